//! A run of a job, and how its row is read.

use std::collections::BTreeMap;

use diesel::prelude::*;
use rollcall_domain::Timestamp;
use uuid::Uuid;

use crate::{Error, Fence, Result, schema::job_runs};

/// What a run did, as counts by name.
pub type RunCounts = BTreeMap<String, i64>;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RunState {
    /// The run waits for a process that runs jobs.
    Pending,
    /// A process has claimed the run.
    Running,
    /// The run has done its work.
    Succeeded,
    /// The run failed, and no further attempt follows.
    Failed,
    /// The run was not begun, because a newer run of the schedule replaced it.
    Skipped,
    /// The run was stopped on request.
    Cancelled,
}

impl RunState {
    /// The word in the column and in logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Whether the run has not ended yet.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

/// One run of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobRun {
    /// The run's id.
    pub id: Uuid,
    /// The job's name.
    pub job: String,
    /// The run's state.
    pub state: RunState,
    /// The time of the schedule that the run belongs to, or the time of the request.
    pub scheduled_for: Timestamp,
    /// How many attempts were begun. An attempt that was stopped does not count.
    pub attempt: i32,
    /// When the newest attempt began.
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    pub ended_at: Option<Timestamp>,
    /// What the run did so far.
    pub outcome: RunCounts,
    /// Why the newest failed attempt failed.
    pub failure: Option<String>,
    /// The id of the report that the run published.
    pub report: Option<String>,
    /// When the run was first asked to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// The outcome that the newest attempt began with.
    pub began_with: RunCounts,
}

/// A run that this process may work on while its claim holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The proof of the claim. Every effect of the run checks it.
    pub fence: Fence,
    /// The run, this attempt included.
    pub run: JobRun,
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = job_runs, check_for_backend(diesel::pg::Pg))]
pub(super) struct JobRunRow {
    id: Uuid,
    job: String,
    scheduled_for: Timestamp,
    state: String,
    attempt: i32,
    fence: i64,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    outcome: serde_json::Value,
    failure: Option<String>,
    report: Option<String>,
    cancel_requested_at: Option<Timestamp>,
    began_with: serde_json::Value,
}

impl TryFrom<JobRunRow> for JobRun {
    type Error = Error;

    fn try_from(row: JobRunRow) -> Result<Self> {
        let unknown = |_| Error::corrupt(format!("a job run has the unknown state {}", row.state));
        Ok(Self {
            id: row.id,
            job: row.job,
            state: row.state.parse().map_err(unknown)?,
            scheduled_for: row.scheduled_for,
            attempt: row.attempt,
            started_at: row.started_at,
            ended_at: row.ended_at,
            outcome: parse_counts(row.outcome)?,
            failure: row.failure,
            report: row.report,
            cancel_requested_at: row.cancel_requested_at,
            began_with: parse_counts(row.began_with)?,
        })
    }
}

impl TryFrom<JobRunRow> for ClaimedRun {
    type Error = Error;

    fn try_from(row: JobRunRow) -> Result<Self> {
        Ok(Self { fence: Fence { run: row.id, number: row.fence }, run: row.try_into()? })
    }
}

/// Reads counts from their JSON column.
pub(super) fn parse_counts(outcome: serde_json::Value) -> Result<RunCounts> {
    serde_json::from_value(outcome)
        .map_err(|error| Error::corrupt(format!("the outcome of a job run is not an object of counts: {error}")))
}
