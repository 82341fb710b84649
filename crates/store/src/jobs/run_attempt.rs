//! What the process that claimed a run writes about its attempt. Each function fails with [`Error::FenceLost`] after
//! another process has claimed the run, or after the run has ended.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Timestamp, names};

use super::{
    audit::{JobAuditEvent, insert_event},
    cancel::end_cancelled,
    fence::claimed_with,
    run::{RunCounts, RunState},
};
use crate::{Db, Error, Fence, Result, SystemConn, WriteTx, db::clock, json_column::JsonColumn, schema::job_runs};

/// Renews the lease: the heartbeat. Returns whether the run was asked to stop.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn extend_lease(db: &Db, fence: Fence, lease: Duration) -> Result<bool> {
    db.for_heartbeats()
        .system("extend_lease", async |conn: &mut SystemConn| {
            let until = clock(conn).await? + lease;
            let cancel_requested: Option<Option<Timestamp>> = diesel::update(claimed_with(fence))
                .set(job_runs::lease_until.eq(until))
                .returning(job_runs::cancel_requested_at)
                .get_result(conn)
                .await
                .optional()?;
            Ok(cancel_requested.ok_or(Error::FenceLost)?.is_some())
        })
        .await
}

/// Adds counts to the run's outcome, in the transaction of the effect that they count.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn add_progress_in(tx: &mut WriteTx, fence: Fence, counts: &[(&str, i64)]) -> Result<()> {
    add_to_outcome(tx.parts().0, fence, counts).await
}

/// Adds counts to the run's outcome, in a transaction of its own.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn add_progress(db: &Db, fence: Fence, counts: &[(&str, i64)]) -> Result<()> {
    db.system("add_progress", async |conn: &mut SystemConn| add_to_outcome(conn, fence, counts).await).await
}

pub(super) async fn add_to_outcome(conn: &mut AsyncPgConnection, fence: Fence, counts: &[(&str, i64)]) -> Result<()> {
    let outcome = claimed_with(fence).select(job_runs::outcome).for_no_key_update().first(conn).await;
    let outcome = outcome.optional().map_err(Error::of_statement("find_outcome"))?;
    let outcome = sum(outcome.ok_or(Error::FenceLost)?, counts.iter().copied());
    let update = diesel::update(job_runs::table.find(fence.run)).set(job_runs::outcome.eq(outcome));
    update.execute(conn).await.map_err(Error::of_statement("update_outcome"))?;
    Ok(())
}

/// Ends a run that has done its work, and adds `counts` to its outcome.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn finish_run(db: &Db, fence: Fence, counts: &RunCounts, report: Option<&str>) -> Result<()> {
    let end = RunEnd { state: RunState::Succeeded, counts, failure: None, report };
    end_run(db, "finish_run", fence, &end).await
}

/// Ends a run that failed for good, and adds `counts` to its outcome.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn fail_run(db: &Db, fence: Fence, failure: &str, counts: &RunCounts) -> Result<()> {
    let end = RunEnd { state: RunState::Failed, counts, failure: Some(failure), report: None };
    end_run(db, "fail_run", fence, &end).await
}

/// Gives a run back after a failed attempt; it can be claimed again after `backoff`. A run that was asked to stop ends
/// instead. Returns the run's new state.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn retry_run(db: &Db, fence: Fence, failure: &str, backoff: Duration) -> Result<RunState> {
    let cancel_requested = db
        .system("retry_run", async |conn: &mut SystemConn| {
            let cancel_requested = give_back(conn, fence, backoff).await?;
            diesel::update(job_runs::table.find(fence.run)).set(job_runs::failure.eq(failure)).execute(conn).await?;
            Ok::<_, Error>(cancel_requested)
        })
        .await?;
    state_after_return(db, fence, cancel_requested).await
}

/// Gives a run back that was stopped, so that any process can claim it at once. The attempt does not count. A run that
/// was asked to stop ends instead. Returns the run's new state.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn release_run(db: &Db, fence: Fence) -> Result<RunState> {
    let cancel_requested = db
        .system("release_run", async |conn: &mut SystemConn| {
            let cancel_requested = give_back(conn, fence, Duration::ZERO).await?;
            if !cancel_requested {
                let uncounted = job_runs::attempt.eq(job_runs::attempt - 1);
                diesel::update(job_runs::table.find(fence.run)).set(uncounted).execute(conn).await?;
            }
            Ok::<_, Error>(cancel_requested)
        })
        .await?;
    state_after_return(db, fence, cancel_requested).await
}

/// Makes the run pending, and returns whether it was asked to stop.
///
/// This does not wait for effects in progress, because workers that share the run could begin new ones without end.
/// From now on no worker can begin an effect, and the process that claims the run next waits for the effects in
/// progress.
async fn give_back(conn: &mut AsyncPgConnection, fence: Fence, backoff: Duration) -> Result<bool> {
    let not_before = clock(conn).await? + backoff;
    let cancel_requested: Option<Option<Timestamp>> = diesel::update(claimed_with(fence))
        .set((
            job_runs::state.eq(RunState::Pending.as_str()),
            job_runs::not_before.eq(not_before),
            job_runs::lease_until.eq(None::<Timestamp>),
        ))
        .returning(job_runs::cancel_requested_at)
        .get_result(conn)
        .await
        .optional()?;
    Ok(cancel_requested.ok_or(Error::FenceLost)?.is_some())
}

/// Ends a run that was given back and was asked to stop, after its effects in progress have ended.
async fn state_after_return(db: &Db, fence: Fence, cancel_requested: bool) -> Result<RunState> {
    if !cancel_requested {
        return Ok(RunState::Pending);
    }
    db.system("end_cancelled", async |conn: &mut SystemConn| {
        let pending = job_runs::table.find(fence.run).filter(job_runs::state.eq(RunState::Pending.as_str()));
        let locked: Option<uuid::Uuid> = pending.select(job_runs::id).for_update().first(conn).await.optional()?;
        // If the run is no longer pending, the process that tried to claim it has ended it.
        if locked.is_some() {
            let now = clock(conn).await?;
            end_cancelled(conn, fence.run, now).await?;
        }
        Ok(RunState::Cancelled)
    })
    .await
}

/// The end of a run.
struct RunEnd<'a> {
    state: RunState,
    counts: &'a RunCounts,
    failure: Option<&'a str>,
    report: Option<&'a str>,
}

async fn end_run(db: &Db, name: &'static str, fence: Fence, end: &RunEnd<'_>) -> Result<()> {
    db.system(name, async |conn: &mut SystemConn| {
        // The lock waits for the run's own effects in progress.
        let outcome = claimed_with(fence).select(job_runs::outcome).for_update().first(conn).await;
        let counts = end.counts.iter().map(|(name, count)| (name.as_str(), *count));
        let outcome = sum(outcome.optional()?.ok_or(Error::FenceLost)?, counts);
        let now = clock(conn).await?;
        let job: String = diesel::update(job_runs::table.find(fence.run))
            .set((
                job_runs::state.eq(end.state.as_str()),
                job_runs::ended_at.eq(now),
                job_runs::lease_until.eq(None::<Timestamp>),
                job_runs::outcome.eq(outcome),
                job_runs::failure.eq(end.failure),
                job_runs::report.eq(end.report),
            ))
            .returning(job_runs::job)
            .get_result(conn)
            .await?;
        let Some(failure) = end.failure else { return Ok(()) };
        let (actor, cause) = (names::job(&job), failure.to_owned());
        let event = JobAuditEvent { run_id: fence.run, job, occurred_at: now, state: end.state, actor, cause };
        insert_event(conn, &event).await
    })
    .await
}

/// Adds counts to an outcome.
fn sum<'a>(
    JsonColumn(mut total): JsonColumn<RunCounts>,
    counts: impl IntoIterator<Item = (&'a str, i64)>,
) -> JsonColumn<RunCounts> {
    for (name, count) in counts {
        *total.entry(name.to_owned()).or_default() += count;
    }
    JsonColumn(total)
}
