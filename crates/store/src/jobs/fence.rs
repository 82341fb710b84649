//! The fence of a claim: a process whose run was claimed by another process since can write nothing.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::run::RunState;
use crate::{Error, Fence, Result, schema::job_runs};

/// Refuses an effect of a run that another process has claimed since, or that has ended.
///
/// The key-share lock prevents that the run is claimed or ended before this transaction ends. The heartbeat can still
/// renew the lease.
pub(crate) async fn check_fence(conn: &mut AsyncPgConnection, fence: Fence) -> Result<()> {
    let held: diesel::QueryResult<Option<Uuid>> =
        claimed_with(fence).select(job_runs::id).for_key_share().first(conn).await.optional();
    let held = held.map_err(Error::of_statement("check_fence"))?;
    held.map(|_| ()).ok_or(Error::FenceLost)
}

/// The run's row, if the fence is the one of its newest claim and the run has not ended.
#[diesel::dsl::auto_type(no_type_alias)]
pub(super) fn claimed_with(fence: Fence) -> _ {
    let (run, number): (Uuid, i64) = (fence.run, fence.number);
    let running: &'static str = RunState::Running.as_str();
    job_runs::table.filter(job_runs::id.eq(run)).filter(job_runs::fence.eq(number)).filter(job_runs::state.eq(running))
}
