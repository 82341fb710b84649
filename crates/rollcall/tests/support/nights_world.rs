//! A simulation of many nights: the clock advances, the replicas work and are disturbed, and the results are checked.

use std::collections::BTreeMap;

use rollcall_store::{Db, Options, jobs};
use rollcall_testkit::{TestClock, TestDatabase, TestDisk};
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

use super::{
    copies::{MODELS, copy, make_models},
    kill_server::Server,
    kill_state::Observer,
    nights_fleet::{Fleet, REPLICAS},
    nights_log::Log,
    nights_plan::{Night, NightGenerator, ReplicaDisturbance},
    process::{DEADLINE, LOOK, MIGRATION, REPORT, until},
    self_check::assert_no_differences,
};

/// The initial number of organizations, without the models.
const ORGANIZATIONS: usize = 10;
/// The job that runs two hours after the report.
const SELF_CHECK: &str = "self-check";
/// How far the clock advances past the end of an abandoned lease.
const LEASE: Duration = Duration::from_secs(31);

/// A database with its replicas.
pub(crate) struct Simulation {
    plan: NightGenerator,
    fleet: Fleet,
    clock: TestClock,
    disk: TestDisk,
    log: Log,
    db: Db,
    models: Observer,
    organizations: usize,
    /// The approximate bytes of the last night's work in each direction.
    work: [u64; 2],
    /// The numbers of events.
    pub(crate) counts: BTreeMap<String, u64>,
    dir: TempDir,
    _database: TestDatabase,
}

impl Simulation {
    /// Seeds a database, and starts the replicas.
    pub(crate) async fn begin(seed: u64) -> Self {
        let (database, dir) = (TestDatabase::new().await, TempDir::new().unwrap());
        let server = Server::start(&database, &dir);
        make_models(&server).await;
        server.kill();
        let models = Observer::keeping(database.client().await).await;
        let (clock, disk) = (TestClock::install(&database).await, TestDisk::install(&database).await);
        let log = Log::install(&database).await;
        // The database server ends the session of a paused process. Here, seconds are enough.
        let url = format!("{}%20-c%20idle_in_transaction_session_timeout%3D2s", TestClock::url(&database));
        let db = Db::open(&Options::new(url.clone(), 2)).unwrap();
        let mut plan = NightGenerator::new(seed, REPLICAS);
        let fleet = Fleet::start(&url, dir.path().to_owned(), &mut plan).await;
        let (counts, work) = (BTreeMap::new(), [50_000, 50_000]);
        let mut world = Self {
            plan,
            fleet,
            clock,
            disk,
            log,
            db,
            models,
            organizations: 0,
            work,
            counts,
            dir,
            _database: database,
        };
        world.add_organizations(ORGANIZATIONS).await;
        until("the replicas", async || world.fleet.are_serving().then_some(())).await;
        world
    }

    /// Returns whether the host clocks are wrong.
    pub(crate) fn is_skewed(&self) -> bool {
        self.fleet.skewed
    }

    async fn add_organizations(&mut self, number: usize) {
        for _ in 0..number {
            let id = format!("org-{:04}", self.organizations);
            copy(&self.models.sql, "kept", MODELS[self.organizations % MODELS.len()], &id).await;
            self.organizations += 1;
        }
    }

    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    /// Simulates one night.
    pub(crate) async fn night(&mut self) {
        let night = self.plan.next();
        self.add_organizations(night.organizations).await;
        if night.migration {
            jobs::request_run(&self.db, MIGRATION).await.unwrap();
            self.count("migrations asked for");
        }
        if let Some((disturbance, replica)) = night.before
            && self.fleet.disturb(replica, disturbance)
        {
            self.count(format!("{disturbance:?} before the night"));
        }
        let carried = self.fleet.carried();
        let triggered_disturbances = night.triggered_disturbances.clone();
        if let Some(triggered) = triggered_disturbances.first() {
            self.fleet.set_triggers(triggered, self.work);
        }
        let due = self.fall(night.missed).await;
        self.work_until_done(&due, &night).await;
        self.fleet.disarm();
        let most = |way: usize| {
            let pairs = carried.iter().zip(self.fleet.carried());
            pairs.map(|(before, after)| after[way] - before[way]).max().unwrap_or_default()
        };
        self.work = [most(0), most(1)];
        self.assert_night(&due, night.missed).await;
        self.fleet.notice();
        self.fleet.repair(&night.repaired, &mut self.plan);
    }

    /// Advances the clock to the start of the next night after a number of skipped ones. Returns that time.
    async fn fall(&mut self, missed: u32) -> String {
        let next = "SELECT to_char(due, 'YYYY-MM-DD HH24:MI:SS+00'), test_log.micros(due) - test_log.micros(now)
            FROM (SELECT test_clock.clock_timestamp() AS now) AS n,
                LATERAL (SELECT date_trunc('day', now - interval '2 hours', 'UTC') + interval '26 hours' AS tonight) AS t,
                LATERAL (SELECT tonight + $1::int * interval '1 day' AS due) AS d";
        let row = self.log.sql.query_one(next, &[&i32::try_from(missed).unwrap()]).await.unwrap();
        let (due, micros): (String, i64) = (row.get(0), row.get(1));
        self.jump(Duration::from_micros(micros.unsigned_abs())).await;
        due
    }

    async fn jump(&mut self, by: Duration) {
        self.log.note_jump(by).await;
        self.clock.advance(by).await;
    }

    /// Waits until the night's report and every requested migration are done, and disturbs replicas meanwhile.
    async fn work_until_done(&mut self, due: &str, night: &Night) {
        let mut triggered_disturbances = night.triggered_disturbances.iter();
        let mut triggered = triggered_disturbances.next();
        let deadline = Instant::now() + DEADLINE;
        loop {
            self.fleet.notice();
            if let (Some(set), Some(triggered_replica)) = (triggered, self.fleet.triggered_replica()) {
                if self.fleet.disturb(triggered_replica, set.disturbance) {
                    self.disturb_database(triggered_replica, set.disturbance).await;
                    self.count(format!("{:?} at work", set.disturbance));
                }
                triggered = triggered_disturbances.next();
                if let Some(next) = triggered {
                    self.fleet.set_triggers(next, self.work);
                }
            }
            if self.is_done(due).await {
                return;
            }
            self.pass_leases().await;
            assert!(Instant::now() < deadline, "the night of {due} does not end\n{}", self.fleet.last_words());
            sleep(LOOK).await;
        }
    }

    /// Cancels a running statement of a replica, or fills the disk until it has refused a statement. Both wait at most until
    /// the replicas have nothing left to do.
    async fn disturb_database(&mut self, replica: usize, disturbance: ReplicaDisturbance) {
        const WORK: &str = "SELECT count(*) FROM job_runs WHERE state = 'RUNNING'";
        match disturbance {
            ReplicaDisturbance::Cancel => {
                // Materialized, so that Postgres calls the function for these sessions only.
                let cancelled = format!(
                    "WITH running AS MATERIALIZED (
                        SELECT pid FROM pg_stat_activity WHERE datname = current_database()
                            AND application_name = '{}' AND state = 'active'
                    )
                    SELECT count(*) FROM running WHERE pg_cancel_backend(pid)",
                    self.fleet.name(replica)
                );
                let struck = async || self.log.count(&cancelled).await > 0 || self.log.count(WORK).await == 0;
                until("a statement to cancel", async || struck().await.then_some(())).await;
            }
            ReplicaDisturbance::FullDisk => {
                let before = self.disk.refused().await;
                self.disk.fill().await;
                let struck = async || self.disk.refused().await > before || self.log.count(WORK).await == 0;
                until("a statement that the full disk refuses", async || struck().await.then_some(())).await;
                self.disk.free().await;
            }
            _ => {}
        }
    }

    async fn is_done(&self, due: &str) -> bool {
        let done = format!(
            "SELECT (SELECT count(*) FROM job_runs WHERE job = '{REPORT}' AND scheduled_for = '{due}'
                AND state NOT IN ('PENDING', 'RUNNING'))
            - (SELECT count(*) FROM job_runs WHERE state IN ('PENDING', 'RUNNING'))"
        );
        self.log.count(&done).await == 1
    }

    /// Advances the clock if a run waits for the end of an abandoned lease or for its next attempt, so that the test
    /// need not wait.
    async fn pass_leases(&mut self) {
        for job in [REPORT, MIGRATION, SELF_CHECK] {
            let waits = format!(
                "SELECT count(*) FROM job_runs
                WHERE job = '{job}' AND state = 'PENDING' AND not_before > test_clock.clock_timestamp()"
            );
            if self.log.count(&waits).await > 0 {
                self.count("attempts that waited for the next one");
                self.jump(Duration::from_secs(10)).await;
            }
            let held = format!(
                "SELECT count(*) FROM job_runs
                WHERE job = '{job}' AND state = 'RUNNING' AND lease_until > test_clock.clock_timestamp()"
            );
            if let Some(owner) = self.log.owner(job).await
                && !self.fleet.is_well(&owner)
                && self.log.count(&held).await > 0
            {
                self.jump(LEASE).await;
            }
        }
    }

    /// Checks that the night has one report whose file matches its row, and that missed nights are skipped.
    async fn assert_night(&mut self, due: &str, missed: u32) {
        let run = format!(
            "SELECT r.state, p.path, p.sha256 FROM job_runs AS r LEFT JOIN reports AS p ON p.run_id = r.id
            WHERE r.job = '{REPORT}' AND r.scheduled_for = '{due}'"
        );
        let rows = self.log.sql.query(&run, &[]).await.unwrap();
        assert_eq!(rows.len(), 1, "runs or reports of {due}\n{}", self.fleet.last_words());
        let (state, path): (String, Option<String>) = (rows[0].get(0), rows[0].get(1));
        assert_eq!(state, "SUCCEEDED", "{due}\n{}", self.fleet.last_words());
        let file = self.dir.path().join("reports").join(path.unwrap()).join("mixed-settings.csv");
        let hash = "SELECT encode(sha256($1), 'hex')";
        let hash: String = self.log.sql.query_one(hash, &[&std::fs::read(file).unwrap()]).await.unwrap().get(0);
        assert_eq!(hash, rows[0].get::<_, String>(2), "the report of {due} is not what was published");
        let skipped = format!(
            "SELECT count(*) FROM job_runs AS r LEFT JOIN reports AS p ON p.run_id = r.id
            WHERE job = '{REPORT}' AND state = 'SKIPPED' AND p.id IS NULL
                AND scheduled_for < '{due}' AND scheduled_for >= '{due}'::timestamptz - {missed} * interval '1 day'"
        );
        assert_eq!(self.log.count(&skipped).await, i64::from(missed), "nights that were missed before {due}");
        self.count("reports");
        *self.counts.entry("nights skipped".to_owned()).or_default() += u64::from(missed);
    }
    /// Checks the invariants of all nights.
    pub(crate) async fn assert_all(&mut self) -> Summary {
        self.models.assert_consistent().await;
        assert_no_differences(&self.db).await;
        let failed = format!("SELECT count(*) FROM job_runs WHERE job = '{SELF_CHECK}' AND state = 'FAILED'");
        assert_eq!(self.log.count(&failed).await, 0, "failed self-checks");
        let found = "SELECT count(*) FROM self_checks WHERE difference_count > 0";
        assert_eq!(self.log.count(found).await, 0, "self-checks with differences");
        assert_eq!(self.log.zombies().await, Vec::<String>::new(), "zombies");
        let migrated = "SELECT count(*) FROM test_log.migrations WHERE state = 'MIGRATED'";
        let migrated = self.log.count(migrated).await;
        let said = "SELECT coalesce(sum(migrated), 0)::bigint FROM test_log.runs
            WHERE old_state = 'RUNNING' AND new_state = 'SUCCEEDED'";
        assert_eq!(self.log.count(said).await, migrated, "what runs say that they migrated");
        let takeovers = self.log.takeovers().await;
        let delays: Vec<f64> = takeovers.iter().map(|takeover| takeover.delay as f64 / 1e6).collect();
        let early = delays.iter().copied().fold(0.0, f64::min);
        let latest = delays.iter().copied().fold(0.0, f64::max);
        assert!(early >= 0.0, "a run was taken over {early} s before its lease had run out");
        assert!(latest <= 30.0, "a run was taken over {latest} s after its lease had run out");
        Summary { organizations: self.organizations + MODELS.len(), migrated, takeovers: delays.len(), latest }
    }
}

/// The results of all nights.
#[derive(Debug)]
#[allow(dead_code, reason = "it is printed")]
pub(crate) struct Summary {
    organizations: usize,
    migrated: i64,
    takeovers: usize,
    /// The longest time between the end of a lease and its takeover, in seconds.
    latest: f64,
}
