//! The plan of each night, generated from a seed, so that a seed repeats its plans.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rollcall_testkit::Direction;

/// A disturbance of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReplicaDisturbance {
    /// SIGKILL.
    Kill,
    /// SIGSTOP. The process continues later, perhaps nights later.
    Pause,
    /// The connections to the database are closed.
    Cut,
    /// Old and new connections to the database become silent.
    Silence,
    /// SIGTERM: a request to end.
    Stop,
    /// The database server cancels a running statement of the replica.
    Cancel,
    /// The disk of the database is full until it has refused a statement of any replica.
    FullDisk,
}

/// A disturbance of the first replica that reaches a part of the night's work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TriggeredDisturbance {
    /// A disturbance of a process.
    pub(crate) disturbance: ReplicaDisturbance,
    /// The direction of the counted bytes.
    pub(crate) direction: Direction,
    /// The part of the bytes of the last night's work after which the disturbance happens.
    pub(crate) part: f64,
}

/// One night.
#[derive(Clone, Debug)]
pub(crate) struct Night {
    /// The number of skipped nights before this night.
    pub(crate) missed: u32,
    /// The number of new organizations in phase LEGACY.
    pub(crate) organizations: usize,
    /// Whether a migration is requested.
    pub(crate) migration: bool,
    /// A disturbance of any replica before the night.
    pub(crate) before: Option<(ReplicaDisturbance, usize)>,
    /// Disturbances of the working replicas.
    pub(crate) triggered_disturbances: Vec<TriggeredDisturbance>,
    /// The replicas that are repaired after the night.
    pub(crate) repaired: Vec<bool>,
}

/// Generates nights.
pub(crate) struct NightGenerator {
    rng: StdRng,
    replicas: usize,
}

impl NightGenerator {
    /// Creates a generator from a seed.
    pub(crate) fn new(seed: u64, replicas: usize) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), replicas }
    }

    /// Returns the next night.
    pub(crate) fn next(&mut self) -> Night {
        let (rng, replicas) = (&mut self.rng, self.replicas);
        let missed = if rng.random_bool(0.1) { rng.random_range(1..4) } else { 0 };
        let before = rng.random_bool(0.25).then(|| (disturbance(rng), rng.random_range(0..replicas)));
        // A run has three attempts: two disturbances leave the last one.
        let triggered_disturbances = [0, 0, 1, 1, 1, 1, 2, 2][rng.random_range(0..8)];
        Night {
            missed,
            organizations: usize::from(rng.random_bool(0.1)),
            migration: rng.random_bool(0.15),
            before,
            triggered_disturbances: (0..triggered_disturbances).map(|_| triggered(rng)).collect(),
            repaired: (0..replicas).map(|_| rng.random_bool(0.6)).collect(),
        }
    }

    /// Returns the clock error of a replica's host in seconds: up to ten minutes.
    pub(crate) fn skew(&mut self) -> f64 {
        self.rng.random_range(-600.0..=600.0)
    }
}

/// Returns a disturbance that is possible at any time.
fn disturbance(rng: &mut StdRng) -> ReplicaDisturbance {
    [
        ReplicaDisturbance::Kill,
        ReplicaDisturbance::Pause,
        ReplicaDisturbance::Cut,
        ReplicaDisturbance::Silence,
        ReplicaDisturbance::Stop,
    ][rng.random_range(0..5)]
}

fn triggered(rng: &mut StdRng) -> TriggeredDisturbance {
    let direction = if rng.random() { Direction::ToDatabase } else { Direction::ToService };
    let disturbance = match rng.random_range(0..7) {
        0 => ReplicaDisturbance::Cancel,
        1 => ReplicaDisturbance::FullDisk,
        _ => disturbance(rng),
    };
    TriggeredDisturbance { disturbance, direction, part: rng.random_range(0.0..1.2) }
}
