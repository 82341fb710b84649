//! A run of a job, as it is read from its row.

use std::{collections::BTreeMap, time::Duration};

use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    pg::{Pg, PgValue},
    prelude::*,
    sql_types::Text,
};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use crate::{Fence, enum_columns::EnumColumn, json_column::JsonColumn, schema::job_runs};

/// How far after the current time a live lease may end. A lease is renewed for half a minute at a time, so one that ends
/// later was written at a wrong reading of the clock.
const LONGEST_LEASE: Duration = Duration::from_secs(3_600);

/// Returns the first and the last time at which the lease of a live process can end.
pub(super) fn live_leases(now: Timestamp) -> (Timestamp, Timestamp) {
    (now + Duration::from_micros(1), now + LONGEST_LEASE)
}

/// What a run did, as counts by name.
pub type RunCounts = BTreeMap<String, i64>;

/// The state of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, FromSqlRow, strum::EnumString, strum::IntoStaticStr)]
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
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = job_runs, check_for_backend(Pg))]
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
    #[diesel(deserialize_as = JsonColumn<RunCounts>)]
    pub outcome: RunCounts,
    /// Why the newest failed attempt failed.
    pub failure: Option<String>,
    /// The id of the report that the run published.
    pub report: Option<String>,
    /// When the run was first asked to stop.
    pub cancel_requested_at: Option<Timestamp>,
    /// The outcome that the newest attempt began with.
    #[diesel(deserialize_as = JsonColumn<RunCounts>)]
    pub began_with: RunCounts,
}

impl FromSql<Text, Pg> for RunState {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        EnumColumn::from_sql(value).map(|EnumColumn(state)| state)
    }
}

impl From<JsonColumn<RunCounts>> for RunCounts {
    fn from(JsonColumn(counts): JsonColumn<RunCounts>) -> Self {
        counts
    }
}

/// A run that this process may work on while its claim holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimedRun {
    /// The proof of the claim. Every effect of the run checks it.
    pub fence: Fence,
    /// The run, this attempt included.
    pub run: JobRun,
}

impl ClaimedRun {
    /// Combines a run with the fence number of its newest claim.
    pub(super) fn new((run, number): (JobRun, i64)) -> Self {
        Self { fence: Fence { run: run.id, number }, run }
    }
}
