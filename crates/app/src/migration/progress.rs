//! How far the run of the migration is that is under way.

use std::time::Duration;

use rollcall_domain::Timestamp;
use rollcall_store::{
    SystemConn,
    jobs::{self, JobRun, RunCounts, RunState},
};

use crate::{App, Result};

/// What a run counts first: the organizations that it has before it.
pub const ORGANIZATIONS_TOTAL: &str = "organizations_total";
/// What a run counts first: the members that those have.
pub const MEMBERS_TOTAL: &str = "members_total";

/// How far a run is, whoever works on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The run.
    pub run: JobRun,
    /// Organizations that are migrated or have failed.
    pub organizations: i64,
    /// All that the run has to do.
    pub organizations_total: i64,
    /// Members of the migrated organizations.
    pub members: i64,
    /// All members of the organizations that the run has to do, as they were counted when it began.
    pub members_total: i64,
    /// Members a second, since the newest attempt began.
    pub members_per_second: i64,
    /// How long the rest takes at this rate; none before there is a rate.
    pub time_left: Option<Duration>,
}

impl Progress {
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
    /// Looks how far the run of the migration is that is under way, if there is one.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn migration_progress(&self) -> Result<Option<Progress>> {
        let open = self.db.system("migration_progress", async |conn: &mut SystemConn| {
            jobs::find_open_run(conn, "settings-migration").await
        });
        let running = open.await?.filter(|run| run.state == RunState::Running);
        let Some(run) = running else { return Ok(None) };
        Ok(Some(Progress::of(run, jobs::clock(&self.db).await?)))
    }
}
