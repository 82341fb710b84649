//! Claiming a run: a process becomes its lease holder.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{
    cancel::end_cancelled,
    run::{ClaimedRun, JobRun, RunState, live_leases},
    schedule::lock_job,
};
use crate::{Db, Result, SystemConn, db::clock, schema::job_runs};

/// Claims a run of a job: the running one if it has no live lease, else the oldest pending one that is due.
///
/// Returns `None` while another run of the job has a live lease holder: a job has one running run at a time. A run that
/// was asked to stop before its process died ends here and is not claimed.
pub async fn claim_run(db: &Db, job: &str, lease: Duration) -> Result<Option<ClaimedRun>> {
    db.system("claim_run", async |conn: &mut SystemConn| {
        lock_job(conn, job).await?;
        let now = clock(conn).await?;
        let Some(candidate) = lock_candidate(conn, job, now).await? else { return Ok(None) };
        let claimed = diesel::update(job_runs::table.find(candidate))
            .set((
                job_runs::state.eq(RunState::Running.as_str()),
                job_runs::fence.eq(job_runs::fence + 1),
                job_runs::attempt.eq(job_runs::attempt + 1),
                job_runs::lease_until.eq(now + lease),
                job_runs::started_at.eq(now),
                job_runs::began_with.eq(job_runs::outcome),
            ))
            .returning((JobRun::as_returning(), job_runs::fence))
            .get_result(conn)
            .await?;
        Ok(Some(ClaimedRun::new(claimed)))
    })
    .await
}

/// Locks the run to claim, unless it has a live lease holder.
async fn lock_candidate(conn: &mut AsyncPgConnection, job: &str, now: Timestamp) -> Result<Option<Uuid>> {
    let (first, last) = live_leases(now);
    while let Some(candidate) = find_candidate(conn, job, now).await? {
        let dead = job_runs::lease_until.not_between(first, last).assume_not_null();
        let free = job_runs::state.eq(RunState::Pending.as_str()).or(dead);
        // Only a live process locks the row: for an effect of the run, or for its heartbeat.
        let locked: Option<Option<Timestamp>> = job_runs::table
            .find(candidate)
            .filter(free)
            .select(job_runs::cancel_requested_at)
            .for_update()
            .skip_locked()
            .first(conn)
            .await
            .optional()?;
        match locked {
            Some(Some(_)) => end_cancelled(conn, candidate, now).await?,
            Some(None) => return Ok(Some(candidate)),
            None => return Ok(None),
        }
    }
    Ok(None)
}

/// Returns the running run, whether or not its lease has expired, else the oldest pending run that is due.
async fn find_candidate(conn: &mut AsyncPgConnection, job: &str, now: Timestamp) -> Result<Option<Uuid>> {
    let running = job_runs::state.eq(RunState::Running.as_str());
    let due = job_runs::state.eq(RunState::Pending.as_str()).and(job_runs::not_before.le(now));
    let candidate = job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(running.or(due))
        .select(job_runs::id)
        .order((job_runs::state.desc(), job_runs::scheduled_for))
        .first(conn)
        .await
        .optional()?;
    Ok(candidate)
}
