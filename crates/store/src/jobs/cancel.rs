//! Asking a run to stop, and ending one that was asked to.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{JobRun, Row, RunState, find_run_in};
use crate::{Result, SystemConn, db::clock, schema::job_runs};

/// Asks a run of a job to stop, and answers it as it is then. One that nobody works on ends at once; the process that
/// works on another one ends it; one that has ended stays as it is. `None` when the job has no such run.
///
/// # Errors
/// A database that fails.
pub async fn cancel_run(conn: &mut SystemConn, job: &str, run: Uuid) -> Result<Option<JobRun>> {
    let of_job = job_runs::table.find(run).filter(job_runs::job.eq(job));
    // This lock keeps the run from being claimed or ended, and lets its effects that are under way go on.
    let locked = of_job.select(Row::as_select()).for_no_key_update().first(conn).await.optional()?;
    let Some(locked) = locked.map(JobRun::try_from).transpose()? else { return Ok(None) };
    if !locked.state.is_open() {
        return Ok(Some(locked));
    }
    let now = clock(conn).await?;
    let since = locked.cancel_requested_at.unwrap_or(now);
    diesel::update(job_runs::table.find(run)).set(job_runs::cancel_requested_at.eq(since)).execute(conn).await?;
    if locked.state == RunState::Pending || is_abandoned(conn, run, now).await? {
        end_cancelled(conn, run, now).await?;
    }
    find_run_in(conn, job, run).await
}

/// Whether the lease of a run under way has run out, and no effect of it is under way either.
async fn is_abandoned(conn: &mut AsyncPgConnection, run: Uuid, now: Timestamp) -> Result<bool> {
    let abandoned: Option<Uuid> = job_runs::table
        .find(run)
        .filter(job_runs::lease_until.le(now))
        .select(job_runs::id)
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    Ok(abandoned.is_some())
}

/// Ends a run that was asked to stop. What it had done stays done.
pub(super) async fn end_cancelled(conn: &mut AsyncPgConnection, run: Uuid, now: Timestamp) -> Result<()> {
    diesel::update(job_runs::table.find(run))
        .set((
            job_runs::state.eq(RunState::Cancelled.as_str()),
            job_runs::ended_at.eq(now),
            job_runs::lease_until.eq(None::<Timestamp>),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
