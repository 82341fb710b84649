//! What the process that has claimed a run says about it. Each of these is refused with
//! [`Error::FenceLost`] once another process has claimed the run, or it has ended.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;

use super::{Counts, RunState, cancel::end_cancelled, counts, held_by};
use crate::{Db, Error, Fence, Result, SystemConn, WriteTx, db::clock, schema::job_runs};

/// Renews the lease: the heartbeat. Answers whether somebody has asked the run to stop.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn extend_lease(db: &Db, fence: Fence, lease: Duration) -> Result<bool> {
    db.system("extend_lease", async |conn: &mut SystemConn| {
        let until = clock(conn).await? + lease;
        let cancel_requested: Option<Option<Timestamp>> = diesel::update(held_by(fence))
            .set(job_runs::lease_until.eq(until))
            .returning(job_runs::cancel_requested_at)
            .get_result(conn)
            .await
            .optional()?;
        Ok(cancel_requested.ok_or(Error::FenceLost)?.is_some())
    })
    .await
}

/// Notes how far the run is, with the effect that got it there.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn save_position_in(tx: &mut WriteTx, fence: Fence, position: &str) -> Result<()> {
    save_progress_in(tx, fence, position, &[]).await
}

/// Notes how far the run is and adds to what it did, with the effect that got it there.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn save_progress_in(tx: &mut WriteTx, fence: Fence, position: &str, did: &[(&str, i64)]) -> Result<()> {
    save(tx.parts().0, fence, position, did).await
}

/// Notes how far the run is and adds to what it did, where nothing else was written.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn save_progress(db: &Db, fence: Fence, position: &str, did: &[(&str, i64)]) -> Result<()> {
    db.system("save_progress", async |conn: &mut SystemConn| save(conn, fence, position, did).await).await
}

async fn save(conn: &mut AsyncPgConnection, fence: Fence, position: &str, did: &[(&str, i64)]) -> Result<()> {
    let outcome = held_by(fence).select(job_runs::outcome).for_no_key_update().first(conn).await;
    let outcome = outcome.optional()?.ok_or(Error::FenceLost)?;
    let outcome = add(outcome, did.iter().copied())?;
    diesel::update(job_runs::table.find(fence.run))
        .set((job_runs::position.eq(position), job_runs::outcome.eq(outcome)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a run that has done its work. `did` is added to what its progress says.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn finish_run(db: &Db, fence: Fence, did: &Counts, report: Option<&str>) -> Result<()> {
    let end = End { state: RunState::Succeeded, did, failure: None, report };
    end_run(db, "finish_run", fence, &end).await
}

/// Gives a run up. `did` is added to what its progress says.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn fail_run(db: &Db, fence: Fence, failure: &str, did: &Counts) -> Result<()> {
    let end = End { state: RunState::Failed, did, failure: Some(failure), report: None };
    end_run(db, "fail_run", fence, &end).await
}

/// Lets a failed run be tried again after a while, from where it is; one that was asked to stop
/// ends instead. Answers how far it is then.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn retry_run(db: &Db, fence: Fence, failure: &str, after: Duration) -> Result<RunState> {
    db.system("retry_run", async |conn: &mut SystemConn| {
        let held = lock(conn, fence).await?;
        diesel::update(job_runs::table.find(fence.run)).set(job_runs::failure.eq(failure)).execute(conn).await?;
        give_back(conn, fence, &held, after).await
    })
    .await
}

/// Gives the lease back, so that any process may go on from where the run is; one that was asked
/// to stop ends instead. To be gone on with is not a failure, and the attempt does not count.
/// Answers how far it is then.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn release_run(db: &Db, fence: Fence) -> Result<RunState> {
    db.system("release_run", async |conn: &mut SystemConn| {
        let held = lock(conn, fence).await?;
        let state = give_back(conn, fence, &held, Duration::ZERO).await?;
        if state == RunState::Pending {
            let uncounted = job_runs::attempt.eq(job_runs::attempt - 1);
            diesel::update(job_runs::table.find(fence.run)).set(uncounted).execute(conn).await?;
        }
        Ok(state)
    })
    .await
}

async fn give_back(conn: &mut AsyncPgConnection, fence: Fence, held: &Held, after: Duration) -> Result<RunState> {
    let now = clock(conn).await?;
    if held.cancel_requested {
        end_cancelled(conn, fence.run, now).await?;
        return Ok(RunState::Cancelled);
    }
    diesel::update(job_runs::table.find(fence.run))
        .set((
            job_runs::state.eq(RunState::Pending.as_str()),
            job_runs::not_before.eq(now + after),
            job_runs::lease_until.eq(None::<Timestamp>),
        ))
        .execute(conn)
        .await?;
    Ok(RunState::Pending)
}

/// How a run ends.
struct End<'a> {
    state: RunState,
    did: &'a Counts,
    failure: Option<&'a str>,
    report: Option<&'a str>,
}

async fn end_run(db: &Db, name: &'static str, fence: Fence, end: &End<'_>) -> Result<()> {
    db.system(name, async |conn: &mut SystemConn| {
        let outcome = lock(conn, fence).await?.outcome;
        let did = end.did.iter().map(|(name, count)| (name.as_str(), *count));
        let outcome = add(outcome, did)?;
        let now = clock(conn).await?;
        diesel::update(job_runs::table.find(fence.run))
            .set((
                job_runs::state.eq(end.state.as_str()),
                job_runs::ended_at.eq(now),
                job_runs::lease_until.eq(None::<Timestamp>),
                job_runs::outcome.eq(outcome),
                job_runs::failure.eq(end.failure),
                job_runs::report.eq(end.report),
            ))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

/// What ending an attempt has to know of its run.
struct Held {
    outcome: serde_json::Value,
    cancel_requested: bool,
}

/// Waits for the run's own effects that are under way.
async fn lock(conn: &mut AsyncPgConnection, fence: Fence) -> Result<Held> {
    let columns = (job_runs::outcome, job_runs::cancel_requested_at.is_not_null());
    let held = held_by(fence).select(columns).for_update().first(conn).await.optional()?;
    let (outcome, cancel_requested) = held.ok_or(Error::FenceLost)?;
    Ok(Held { outcome, cancel_requested })
}

fn add<'a>(outcome: serde_json::Value, did: impl IntoIterator<Item = (&'a str, i64)>) -> Result<serde_json::Value> {
    let mut sum = counts(outcome)?;
    for (name, count) in did {
        *sum.entry(name.to_owned()).or_default() += count;
    }
    serde_json::to_value(sum).map_err(|error| Error::Internal(error.into()))
}
