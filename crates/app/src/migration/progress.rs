//! The progress of a run of the migration job.

use std::time::Duration;

use rollcall_domain::Timestamp;
use rollcall_store::{
    SystemConn,
    jobs::{self, JobRun, RunCounts, RunState},
};

use crate::{App, Result};

/// The count of the organizations that a run has to migrate. It is counted first.
pub const ORGANIZATIONS_TOTAL: &str = "organizations_total";
/// The count of the members of these organizations. It is counted first.
pub const MEMBERS_TOTAL: &str = "members_total";

/// The progress of a run, over all processes that work on it.
#[derive(Clone, Debug, PartialEq)]
pub struct MigrationProgress {
    /// The run.
    pub run: JobRun,
    /// How many organizations are migrated or failed.
    pub organizations: i64,
    /// How many organizations the run has to migrate.
    pub organizations_total: i64,
    /// How many members the migrated organizations have.
    pub members: i64,
    /// How many members all these organizations had when the run started.
    pub members_total: i64,
    /// Members per second, since the newest attempt started.
    pub members_per_second: i64,
    /// How long the rest takes at this rate; `None` before there is a rate.
    pub time_left: Option<Duration>,
}

impl MigrationProgress {
    fn of(run: JobRun, now: Timestamp) -> Self {
        let count = |counts: &RunCounts, name: &str| counts.get(name).copied().unwrap_or_default();
        let done = |name: &str| count(&run.outcome, name);
        let (members, members_total) = (done("members"), done(MEMBERS_TOTAL));
        let milliseconds = run.started_at.map_or(0, |began| (now - began).num_milliseconds()).max(1);
        let newly = members - count(&run.began_with, "members");
        let rest = (members_total - members).max(0);
        let time_left = (newly > 0).then(|| Duration::from_millis((rest * milliseconds / newly).unsigned_abs()));
        Self {
            organizations: done("organizations_migrated") + done("organizations_failed"),
            organizations_total: done(ORGANIZATIONS_TOTAL),
            members,
            members_total,
            members_per_second: newly * 1000 / milliseconds,
            time_left,
            run,
        }
    }
}

impl App {
    /// Returns the progress of the running migration, or `None` when no run is running.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database cannot be reached.
    pub async fn migration_progress(&self) -> Result<Option<MigrationProgress>> {
        let open = self.db.system("migration_progress", async |conn: &mut SystemConn| {
            jobs::find_open_run(conn, "settings-migration").await
        });
        let running = open.await?.filter(|run| run.state == RunState::Running);
        let Some(run) = running else { return Ok(None) };
        Ok(Some(MigrationProgress::of(run, jobs::clock(&self.db).await?)))
    }
}
