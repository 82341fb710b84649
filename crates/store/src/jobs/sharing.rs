//! Sharing a run: workers of other processes help with a run that they have not claimed (ADR 13).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    fence::claimed_with,
    run::{ClaimedRun, JobRun, RunState, live_leases},
};
use crate::{Db, Fence, Result, SystemConn, db::clock, schema::job_runs};

/// Reads the running run of a job, with the fence of its claim, if its lease holder is alive and the run was not asked
/// to stop.
pub async fn find_shared_run(db: &Db, job: &str) -> Result<Option<ClaimedRun>> {
    db.system("find_shared_run", async |conn: &mut SystemConn| {
        let (first, last) = live_leases(clock(conn).await?);
        let shared = job_runs::table
            .filter(job_runs::job.eq(job).and(job_runs::state.eq(RunState::Running.as_str())))
            .filter(job_runs::lease_until.between(first, last).and(job_runs::cancel_requested_at.is_null()))
            .select((JobRun::as_select(), job_runs::fence))
            .first(conn)
            .await
            .optional()?;
        Ok(shared.map(ClaimedRun::new))
    })
    .await
}

/// Returns whether workers may still share a run: the claim holds, the lease holder is alive, and the run was not asked
/// to stop.
pub async fn is_shared_run_active(db: &Db, fence: Fence) -> Result<bool> {
    db.system("is_shared_run_active", async |conn: &mut SystemConn| {
        let (first, last) = live_leases(clock(conn).await?);
        let active = claimed_with(fence)
            .filter(job_runs::lease_until.between(first, last).and(job_runs::cancel_requested_at.is_null()));
        let active: Option<Uuid> = active.select(job_runs::id).first(conn).await.optional()?;
        Ok(active.is_some())
    })
    .await
}
