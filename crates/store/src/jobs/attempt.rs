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

/// Adds to what the run did, with the effect that did it, where what is done tells how far it is.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn add_progress_in(tx: &mut WriteTx, fence: Fence, did: &[(&str, i64)]) -> Result<()> {
    add_to(tx.parts().0, fence, did).await
}

/// Adds to what the run did, where nothing else was written.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
pub async fn add_progress(db: &Db, fence: Fence, did: &[(&str, i64)]) -> Result<()> {
    db.system("add_progress", async |conn: &mut SystemConn| add_to(conn, fence, did).await).await
}

async fn save(conn: &mut AsyncPgConnection, fence: Fence, position: &str, did: &[(&str, i64)]) -> Result<()> {
    add_to(conn, fence, did).await?;
    diesel::update(job_runs::table.find(fence.run)).set(job_runs::position.eq(position)).execute(conn).await?;
    Ok(())
}

async fn add_to(conn: &mut AsyncPgConnection, fence: Fence, did: &[(&str, i64)]) -> Result<()> {
    let outcome = held_by(fence).select(job_runs::outcome).for_no_key_update().first(conn).await;
    let outcome = outcome.optional()?.ok_or(Error::FenceLost)?;
    let outcome = add(outcome, did.iter().copied())?;
    diesel::update(job_runs::table.find(fence.run)).set(job_runs::outcome.eq(outcome)).execute(conn).await?;
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
    let cancel_requested = db
        .system("retry_run", async |conn: &mut SystemConn| {
            let cancel_requested = give_back(conn, fence, after).await?;
            diesel::update(job_runs::table.find(fence.run)).set(job_runs::failure.eq(failure)).execute(conn).await?;
            Ok::<_, Error>(cancel_requested)
        })
        .await?;
    end_if(cancel_requested, db, fence).await
}

/// Gives the lease back, so that any process may go on from where the run is; one that was asked
/// to stop ends instead. To be gone on with is not a failure, and the attempt does not count.
/// Answers how far it is then.
///
/// # Errors
/// [`Error::FenceLost`], or a database that fails.
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
    end_if(cancel_requested, db, fence).await
}

/// Makes the run wait, and answers whether somebody has asked it to stop. Effects that are under way are not waited
/// for: others who share the work might begin one after the other. From now on nobody begins any, and whoever claims the
/// run waits for those that are left.
async fn give_back(conn: &mut AsyncPgConnection, fence: Fence, after: Duration) -> Result<bool> {
    let not_before = clock(conn).await? + after;
    let cancel_requested: Option<Option<Timestamp>> = diesel::update(held_by(fence))
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

/// Ends a run that was given back and is to stop, once its effects that were under way have ended.
async fn end_if(cancel_requested: bool, db: &Db, fence: Fence) -> Result<RunState> {
    if !cancel_requested {
        return Ok(RunState::Pending);
    }
    db.system("end_cancelled", async |conn: &mut SystemConn| {
        let waits = job_runs::table.find(fence.run).filter(job_runs::state.eq(RunState::Pending.as_str()));
        let locked: Option<uuid::Uuid> = waits.select(job_runs::id).for_update().first(conn).await.optional()?;
        // Otherwise whoever was to claim it has ended it.
        if locked.is_some() {
            let now = clock(conn).await?;
            end_cancelled(conn, fence.run, now).await?;
        }
        Ok(RunState::Cancelled)
    })
    .await
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
        let outcome = lock(conn, fence).await?;
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

/// Waits for the run's own effects that are under way, and answers what it did.
async fn lock(conn: &mut AsyncPgConnection, fence: Fence) -> Result<serde_json::Value> {
    let held = held_by(fence).select(job_runs::outcome).for_update().first(conn).await;
    held.optional()?.ok_or(Error::FenceLost)
}

fn add<'a>(outcome: serde_json::Value, did: impl IntoIterator<Item = (&'a str, i64)>) -> Result<serde_json::Value> {
    let mut sum = counts(outcome)?;
    for (name, count) in did {
        *sum.entry(name.to_owned()).or_default() += count;
    }
    serde_json::to_value(sum).map_err(|error| Error::Internal(error.into()))
}
