//! A run of a job, repeatedly disturbed at one point from the same initial state.

use rollcall_testkit::{Direction, Fault, FaultProxy, FaultTrigger, TestClock, TestDatabase, TestDisk};
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

use super::{
    anywhere_point::{Disturbance, Point},
    copies::{MODELS, copy, make_models},
    kill_server::Server,
    kill_state::{Observer, RowView, State},
    process::{DEADLINE, LOOK, MIGRATION, Place, Process, REPORT, until},
    self_check::assert_no_differences,
};

/// How far a wrong clock is ahead.
const FIVE_DAYS: Duration = Duration::from_secs(5 * 86_400);

/// The result of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunResult {
    /// The rows of each organization, without times.
    pub(crate) organizations: State,
    /// The outcome of the run.
    pub(crate) outcome: String,
    /// The published files, if any.
    pub(crate) csv: Option<Vec<u8>>,
}

/// A database, and the initial state of each run.
pub(crate) struct RunScenario {
    job: &'static str,
    database: TestDatabase,
    clock: TestClock,
    disk: TestDisk,
    proxy: FaultProxy,
    observer: Observer,
    dir: TempDir,
}

impl RunScenario {
    /// Creates organizations in phase LEGACY for the migration. For the report they are migrated.
    pub(crate) async fn begin(job: &'static str, organizations: usize) -> Self {
        let (database, dir) = (TestDatabase::new().await, TempDir::new().unwrap());
        let server = Server::start(&database, &dir);
        make_models(&server).await;
        server.kill();
        let sql = database.client().await;
        for number in MODELS.len()..organizations {
            copy(&sql, "public", MODELS[number % MODELS.len()], &format!("org-{number:04}")).await;
        }
        let (clock, disk) = (TestClock::install(&database).await, TestDisk::install(&database).await);
        // The database server ends an abandoned session in a transaction. Here, seconds are enough.
        let url = format!("{}%20-c%20idle_in_transaction_session_timeout%3D2s", TestClock::url(&database));
        let proxy = FaultProxy::open(&url).await;
        if job == REPORT {
            let place = Place { url: proxy.url(), dir: dir.path() };
            let mut process = Process::start(&place, MIGRATION, &["job", "run", MIGRATION], None);
            until("the end of the migration", async || process.ended()).await;
        }
        let observer = Observer::keeping(sql).await;
        observer.assert_consistent().await;
        Self { job, database, clock, disk, proxy, observer, dir }
    }

    /// Makes the run without a disturbance. Returns its result, and its bytes in each direction.
    pub(crate) async fn undisturbed(&self) -> (RunResult, [u64; 2]) {
        let before = [Direction::ToDatabase, Direction::ToService].map(|direction| self.proxy.bytes_passed(direction));
        self.observer.put_back().await;
        self.finish(None).await;
        let after = [Direction::ToDatabase, Direction::ToService].map(|direction| self.proxy.bytes_passed(direction));
        (self.end().await, [after[0] - before[0], after[1] - before[1]])
    }

    /// Makes the run with one disturbance. Returns the result of the process that takes over.
    pub(crate) async fn disturbed(&self, point: &Point) -> RunResult {
        self.observer.put_back().await;
        let fault = if point.disturbance == Disturbance::Cut { Fault::Cut } else { Fault::Silence };
        self.proxy.set_trigger(FaultTrigger { direction: point.direction, bytes: point.byte, fault });
        let mut process = Some(self.start());
        until("the point", async || {
            let over = process.as_mut().and_then(Process::ended).is_some();
            (over || self.proxy.has_triggered()).then_some(())
        })
        .await;
        if self.proxy.remove_trigger() {
            // The run had one heartbeat less, and ended before the disturbance.
            assert!(point.late, "{point:?} was not reached");
        } else {
            self.disturb(point.disturbance, &mut process).await;
        }
        self.finish(process).await;
        self.end().await
    }

    async fn disturb(&self, disturbance: Disturbance, process: &mut Option<Process>) {
        const SESSIONS: &str =
            "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'rollcall'";
        let over = |process: &mut Option<Process>| process.as_mut().and_then(Process::ended).is_some();
        match disturbance {
            Disturbance::Cut => {}
            Disturbance::Kill => {
                process.take().into_iter().for_each(Process::kill);
                self.proxy.heal();
            }
            Disturbance::Terminate => {
                self.observer.sql.query(&format!("SELECT pg_terminate_backend(pid) {SESSIONS}"), &[]).await.unwrap();
                self.proxy.resume();
            }
            Disturbance::Cancel => {
                self.proxy.resume();
                // Materialized, so that Postgres calls the function for these sessions only.
                let cancelled = format!(
                    "WITH running AS MATERIALIZED (SELECT pid {SESSIONS} AND state = 'active')
                    SELECT count(*) FROM running WHERE pg_cancel_backend(pid)"
                );
                let struck = async || (over(process) || self.observer.count(&cancelled).await > 0).then_some(());
                until("a running statement to cancel", struck).await;
            }
            Disturbance::FullDisk => {
                let before = self.disk.refused().await;
                self.disk.fill().await;
                self.proxy.resume();
                let struck = async || (over(process) || self.disk.refused().await > before).then_some(());
                until("a statement that the full disk refuses", struck).await;
                self.disk.free().await;
            }
            Disturbance::WrongClock => {
                self.clock.advance(FIVE_DAYS).await;
                let before = self.clock.readings().await;
                self.proxy.resume();
                let struck = async || (over(process) || self.clock.readings().await > before).then_some(());
                until("a reading of the wrong clock", struck).await;
                self.clock.set_back(FIVE_DAYS).await;
            }
        }
    }

    fn start(&self) -> Process {
        let place = Place { url: self.proxy.url(), dir: self.dir.path() };
        Process::start(&place, self.job, &["job", "run", self.job], None)
    }

    /// Runs processes until the run has ended, and advances the clock when they wait for it.
    async fn finish(&self, mut process: Option<Process>) {
        let state = "SELECT state, attempt FROM job_runs WHERE job = $1";
        let deadline = Instant::now() + DEADLINE;
        loop {
            // The order matters: a dead process has finished its writes.
            let dead = process.as_mut().is_none_or(|process| process.ended().is_some());
            let run = self.observer.sql.query_opt(state, &[&self.job]).await.unwrap();
            let run: Option<(String, i32)> = run.map(|row| (row.get(0), row.get(1)));
            match run.as_ref().map(|(state, attempt)| (state.as_str(), *attempt)) {
                Some(("SUCCEEDED", _)) if dead => return,
                Some(("SUCCEEDED", _)) => {}
                Some(("FAILED", _)) => panic!("it failed: {}", process.map(|p| p.last_words()).unwrap_or_default()),
                // The run waits for its next attempt, or for the end of the lease of a dead process.
                Some(("PENDING", 1..)) => self.clock.advance(Duration::from_secs(10)).await,
                Some(("RUNNING", _)) if dead => self.clock.advance(Duration::from_secs(31)).await,
                _ => {}
            }
            if dead && run.is_none_or(|(state, _)| state != "SUCCEEDED") {
                process = Some(self.start());
            }
            let words = || process.as_ref().map(Process::last_words).unwrap_or_default();
            assert!(Instant::now() < deadline, "it does not end: {}", words());
            sleep(LOOK).await;
        }
    }

    async fn end(&self) -> RunResult {
        self.observer.assert_consistent().await;
        assert_no_differences(&self.database.db_with(1)).await;
        let outcome = "SELECT outcome::text FROM job_runs WHERE job = $1";
        let outcome = self.observer.sql.query_one(outcome, &[&self.job]).await.unwrap().get(0);
        let csv = (self.job == REPORT).then(async || {
            let path = "SELECT path FROM reports AS r INNER JOIN job_runs AS j ON j.id = r.run_id WHERE j.job = $1";
            let path: String = self.observer.sql.query_one(path, &[&self.job]).await.unwrap().get(0);
            std::fs::read(self.dir.path().join("reports").join(path).join("mixed-settings.csv")).unwrap()
        });
        let csv = match csv {
            Some(csv) => Some(csv.await),
            None => None,
        };
        RunResult { organizations: self.observer.state(RowView::Timeless).await, outcome, csv }
    }
}
