//! Five replicas of `rollcall jobs`, each behind its own proxy.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use rollcall_testkit::{Direction, Fault, FaultProxy, FaultTrigger};

use super::{
    nights_plan::{NightGenerator, ReplicaDisturbance, TriggeredDisturbance},
    process::{Place, Process, skewing_library},
};

pub(crate) const REPLICAS: usize = 5;
/// The number of replicas that always stay undisturbed, so that one can take over.
const HEALTHY: usize = 2;
/// The time after which the database server notices a dead path.
const KEEPALIVES: Duration = Duration::from_secs(2);

/// The state of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    Paused,
    Silent,
    /// The replica got SIGTERM, and releases its run itself.
    Leaving,
    Dead,
}

struct Replica {
    proxy: FaultProxy,
    process: Option<Process>,
    health: Health,
    /// The time at which the replica became silent.
    silent_since: Option<Instant>,
    /// The number of processes so far. Each process has its own name in the database.
    life: u32,
}

/// The replicas.
pub(crate) struct Fleet {
    dir: PathBuf,
    replicas: Vec<Replica>,
    /// Whether the host clocks can be wrong, which requires libfaketime.
    pub(crate) skewed: bool,
}

impl Fleet {
    /// Starts all replicas. Two have the largest clock errors, one fast and one slow.
    pub(crate) async fn start(url: &str, dir: PathBuf, plan: &mut NightGenerator) -> Self {
        let mut fleet = Self { dir, replicas: Vec::new(), skewed: skewing_library().is_some() };
        for number in 0..REPLICAS {
            let proxy = FaultProxy::open(url).await;
            fleet.replicas.push(Replica { proxy, process: None, health: Health::Dead, silent_since: None, life: 0 });
            let drawn = plan.skew();
            fleet.launch(number, [600.0, -600.0].get(number).copied().unwrap_or(drawn));
        }
        fleet
    }

    fn launch(&mut self, number: usize, skew: f64) {
        let replica = &mut self.replicas[number];
        replica.life += 1;
        let url = format!("{}&application_name=r{number}-{}", replica.proxy.url(), replica.life);
        let place = Place { url: &url, dir: &self.dir };
        let skew = self.skewed.then_some(skew);
        replica.process = Some(Process::start(&place, &format!("r{number}-{}", replica.life), &["jobs"], skew));
        replica.health = Health::Well;
    }

    /// Returns whether the replica with this name in the database appears to work.
    pub(crate) fn is_well(&self, name: &str) -> bool {
        let mut named = self.replicas.iter().enumerate();
        named.any(|(number, replica)| {
            self.name(number) == name && [Health::Well, Health::Leaving].contains(&replica.health)
        })
    }

    /// Returns the name of a replica in the database.
    pub(crate) fn name(&self, number: usize) -> String {
        format!("r{number}-{}", self.replicas[number].life)
    }

    fn healthy(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.health == Health::Well).count()
    }

    /// Sets a fault trigger for every undisturbed replica.
    pub(crate) fn set_triggers(&self, triggered: &TriggeredDisturbance, work: [u64; 2]) {
        let bytes = (work[triggered.direction as usize] as f64 * triggered.part) as u64;
        let fault = if triggered.disturbance == ReplicaDisturbance::Cut { Fault::Cut } else { Fault::Silence };
        for replica in self.replicas.iter().filter(|replica| replica.health == Health::Well) {
            replica.proxy.set_trigger(FaultTrigger { direction: triggered.direction, bytes, fault });
        }
    }

    /// Removes the fault triggers.
    pub(crate) fn disarm(&self) {
        for replica in &self.replicas {
            replica.proxy.remove_trigger();
        }
    }

    /// Returns the replica whose trigger has injected its fault. Removes the triggers of the others. If another one
    /// was triggered at the same moment, its silence ends.
    pub(crate) fn triggered_replica(&self) -> Option<usize> {
        let triggered_replica = self.replicas.iter().position(|replica| replica.proxy.has_triggered())?;
        self.disarm();
        for (number, replica) in self.replicas.iter().enumerate() {
            if replica.proxy.reset_triggered() && number != triggered_replica {
                replica.proxy.resume();
            }
        }
        Some(triggered_replica)
    }

    /// Disturbs a replica. Returns false if too few undisturbed replicas would remain.
    pub(crate) fn disturb(&mut self, number: usize, disturbance: ReplicaDisturbance) -> bool {
        let spare = self.healthy() > HEALTHY;
        let replica = &mut self.replicas[number];
        if replica.health != Health::Well {
            return false;
        }
        let keeps_working =
            matches!(disturbance, ReplicaDisturbance::Cut | ReplicaDisturbance::Cancel | ReplicaDisturbance::FullDisk);
        if !keeps_working && !spare {
            replica.proxy.resume();
            return false;
        }
        match disturbance {
            ReplicaDisturbance::Kill => {
                replica.process.take().into_iter().for_each(Process::kill);
                replica.health = Health::Dead;
                replica.proxy.heal();
            }
            ReplicaDisturbance::Pause => {
                replica.process.iter().for_each(|process| process.signal("STOP"));
                replica.health = Health::Paused;
                replica.proxy.resume();
            }
            ReplicaDisturbance::Cut => replica.proxy.inject(Fault::Cut),
            // The simulation disturbs the database.
            ReplicaDisturbance::Cancel | ReplicaDisturbance::FullDisk => replica.proxy.resume(),
            ReplicaDisturbance::Silence => {
                replica.health = Health::Silent;
                replica.silent_since = Some(Instant::now());
                replica.proxy.inject(Fault::Silence);
            }
            ReplicaDisturbance::Stop => {
                replica.process.iter().for_each(|process| process.signal("TERM"));
                replica.health = Health::Leaving;
                replica.proxy.resume();
            }
        }
        true
    }

    /// Returns whether all replicas have started to work.
    pub(crate) fn are_serving(&self) -> bool {
        self.replicas.iter().all(|replica| replica.process.as_ref().is_some_and(Process::is_serving))
    }

    /// Records the replicas that have ended. A replica ends only after a signal, or after an error during its start.
    pub(crate) fn notice(&mut self) {
        for (number, replica) in self.replicas.iter_mut().enumerate() {
            // Simulates the keepalives of the database host, but sooner.
            if replica.silent_since.is_some_and(|since| since.elapsed() > KEEPALIVES) {
                replica.silent_since = None;
                replica.proxy.close_database_side();
            }
            let Some(process) = &mut replica.process else { continue };
            if let Some(status) = process.ended() {
                let told = replica.health == Health::Leaving && status.success();
                assert!(
                    told || !process.is_serving(),
                    "r{number} ended, {status}, {:?}: {}",
                    replica.health,
                    process.last_words()
                );
                (replica.process, replica.health) = (None, Health::Dead);
            }
        }
    }

    /// Repairs the given replicas, and as many others as necessary.
    pub(crate) fn repair(&mut self, named: &[bool], plan: &mut NightGenerator) {
        for (number, named) in named.iter().enumerate() {
            let skew = plan.skew();
            if *named || self.healthy() <= HEALTHY {
                let replica = &mut self.replicas[number];
                match replica.health {
                    Health::Dead => self.launch(number, skew),
                    Health::Paused => {
                        replica.process.iter().for_each(|process| process.signal("CONT"));
                        replica.health = Health::Well;
                    }
                    Health::Silent => {
                        replica.proxy.heal();
                        (replica.health, replica.silent_since) = (Health::Well, None);
                    }
                    Health::Well | Health::Leaving => {}
                }
            }
        }
    }

    /// Returns the bytes passed by each replica's proxy.
    pub(crate) fn carried(&self) -> Vec<[u64; 2]> {
        let carried = |replica: &Replica| {
            [Direction::ToDatabase, Direction::ToService].map(|direction| replica.proxy.bytes_passed(direction))
        };
        self.replicas.iter().map(carried).collect()
    }

    /// Returns the last lines of all logs.
    pub(crate) fn last_words(&self) -> String {
        let words = self.replicas.iter().enumerate().map(|(number, replica)| {
            let words = replica.process.as_ref().map(Process::last_words).unwrap_or_default();
            format!("r{number} is {:?}\n{words}\n", replica.health)
        });
        words.collect()
    }
}
