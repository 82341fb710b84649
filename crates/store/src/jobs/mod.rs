//! Jobs and their runs: who starts one, who works on it and how far it is (architecture.md 5).
//!
//! A run is made once for each `(job, scheduled_for)`, claimed with a lease and a fence number,
//! and every effect checks that fence in its own transaction. All times are the database's.

mod attempt;
mod cancel;
mod help;
mod open;
mod prune;
mod read;

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

pub use attempt::{
    add_progress, add_progress_in, extend_lease, fail_run, finish_run, release_run, retry_run, save_progress,
    save_progress_in,
};
pub use cancel::cancel_run;
pub use help::{find_shared_run, may_help};
pub use open::{
    Requested, claim_run, find_open_run, list_pending, register_jobs, request_run, request_run_in, schedule_runs,
};
pub use prune::delete_runs;
pub use read::{JobRuns, JobStatus, clock, find_run, find_run_in, list_current_and_last, list_runs, list_statuses};

use crate::{Error, Fence, Result, schema::job_runs};

/// What a run did, as counts by name.
pub type Counts = BTreeMap<String, i64>;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RunState {
    /// Waits for a process that runs jobs.
    Pending,
    /// A process has claimed it.
    Running,
    /// Done.
    Succeeded,
    /// Given up.
    Failed,
    /// Not run, because a newer missed one was.
    Skipped,
    /// Stopped on request.
    Cancelled,
}

impl RunState {
    /// The word in the column and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Skipped => "SKIPPED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// Whether something is still to come.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    fn parse(word: &str) -> Result<Self> {
        let all = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Skipped, Self::Cancelled];
        let state = all.into_iter().find(|state| state.as_str() == word);
        state.ok_or_else(|| Error::corrupt(format!("unknown run state {word}")))
    }
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// Its id.
    pub id: Uuid,
    /// The job's name.
    pub job: String,
    /// How far it is.
    pub state: RunState,
    /// The time it is for: what the schedule says, or when it was asked for.
    pub scheduled_for: Timestamp,
    /// How many attempts were begun; one that was stopped does not count.
    pub attempt: i32,
    /// When the newest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// What it did so far.
    pub outcome: Counts,
    /// Why it failed, or failed last.
    pub failure: Option<String>,
    /// The report that it published.
    pub report: Option<String>,
    /// When somebody asked it to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// The outcome that the newest attempt began with.
    pub began_with: Counts,
}

/// A run that this process may work on for as long as it keeps the lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The proof of the claim, to be checked with every effect.
    pub fence: Fence,
    /// The run, this attempt included.
    pub run: JobRun,
    /// Where an earlier attempt left off.
    pub position: Option<String>,
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = job_runs, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: Uuid,
    job: String,
    scheduled_for: Timestamp,
    state: String,
    attempt: i32,
    fence: i64,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    position: Option<String>,
    outcome: serde_json::Value,
    failure: Option<String>,
    report: Option<String>,
    cancel_requested_at: Option<Timestamp>,
    began_with: serde_json::Value,
}

impl TryFrom<Row> for JobRun {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id,
            job: row.job,
            state: RunState::parse(&row.state)?,
            scheduled_for: row.scheduled_for,
            attempt: row.attempt,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: counts(row.outcome)?,
            failure: row.failure,
            report: row.report,
            cancel_requested_at: row.cancel_requested_at,
            began_with: counts(row.began_with)?,
        })
    }
}

fn counts(outcome: serde_json::Value) -> Result<Counts> {
    serde_json::from_value(outcome)
        .map_err(|error| Error::corrupt(format!("the outcome of a run cannot be read: {error}")))
}

/// Refuses to go on with a run that another process has claimed since, or that has ended.
///
/// The key-share lock keeps the run from being claimed or ended until this transaction ends, but
/// does not keep the heartbeat from renewing its lease meanwhile.
pub(crate) async fn check_fence(conn: &mut AsyncPgConnection, fence: Fence) -> Result<()> {
    let held: Option<Uuid> = held_by(fence).select(job_runs::id).for_key_share().first(conn).await.optional()?;
    held.map(|_| ()).ok_or(Error::FenceLost)
}

/// The run's row, while the fence holds.
#[diesel::dsl::auto_type(no_type_alias)]
fn held_by(fence: Fence) -> _ {
    let (run, number): (Uuid, i64) = (fence.run, fence.number);
    let running: &'static str = RunState::Running.as_str();
    job_runs::table.filter(job_runs::id.eq(run)).filter(job_runs::fence.eq(number)).filter(job_runs::state.eq(running))
}
