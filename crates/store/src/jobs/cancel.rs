//! Cancelling a run.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{
    audit::{JobAuditEvent, insert_event},
    read::find_run_in,
    run::{JobRun, RunState, live_leases},
};
use crate::{Result, SystemConn, db::clock, schema::job_runs};

/// Asks a run of a job to stop, for `actor`, and returns the run. Returns `None` if the job has no such run.
///
/// A run without a process ends at once. A run with a process is ended by that process. A run that has ended does not
/// change.
pub async fn cancel_run(conn: &mut SystemConn, job: &str, run: Uuid, actor: &str) -> Result<Option<JobRun>> {
    let of_job = job_runs::table.find(run).filter(job_runs::job.eq(job));
    // The lock prevents that the run is claimed or ended. Its effects in progress go on.
    let locked = of_job.select(JobRun::as_select()).for_no_key_update().first(conn).await.optional()?;
    let Some(locked) = locked else { return Ok(None) };
    if !locked.state.is_open() {
        return Ok(Some(locked));
    }
    let now = clock(conn).await?;
    if locked.cancel_requested_at.is_none() {
        let request = (job_runs::cancel_requested_at.eq(now), job_runs::cancelled_by.eq(actor));
        diesel::update(job_runs::table.find(run)).set(request).execute(conn).await?;
    }
    if locked.state == RunState::Pending || is_abandoned(conn, run, now).await? {
        end_cancelled(conn, run, now).await?;
    }
    find_run_in(conn, job, run).await
}

/// Returns whether a running run has no live lease and none of its effects is in progress.
async fn is_abandoned(conn: &mut AsyncPgConnection, run: Uuid, now: Timestamp) -> Result<bool> {
    let (first, last) = live_leases(now);
    let abandoned: Option<Uuid> = job_runs::table
        .find(run)
        .filter(job_runs::lease_until.not_between(first, last))
        .select(job_runs::id)
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    Ok(abandoned.is_some())
}

/// Ends a run that was asked to stop. What the run did stays done.
pub(super) async fn end_cancelled(conn: &mut AsyncPgConnection, run: Uuid, now: Timestamp) -> Result<()> {
    let (job, cancelled_by): (String, Option<String>) = diesel::update(job_runs::table.find(run))
        .set((
            job_runs::state.eq(RunState::Cancelled.as_str()),
            job_runs::ended_at.eq(now),
            job_runs::lease_until.eq(None::<Timestamp>),
        ))
        .returning((job_runs::job, job_runs::cancelled_by))
        .get_result(conn)
        .await?;
    let event = JobAuditEvent {
        run_id: run,
        job,
        occurred_at: now,
        state: RunState::Cancelled,
        // The previous release does not keep who asked.
        actor: cancelled_by.unwrap_or_default(),
        cause: "a caller asked the run to stop".to_owned(),
    };
    insert_event(conn, &event).await
}
