//! How runs come to be, and how a process claims one.

use std::time::Duration;

use diesel::{
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{ClaimedRun, JobRun, Row, RunState, cancel::end_cancelled};
use crate::{
    Db, Error, Fence, Result, SystemConn,
    db::clock,
    schema::{job_runs, jobs},
};

/// What a request for a run led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// A new run, which waits to be claimed.
    Started(JobRun),
    /// This one waits or is under way, so no other was made.
    AlreadyOpen(JobRun),
}

/// Makes the jobs known, and begins the schedules of those that are `scheduled`, unless they have begun: a time before
/// that was not missed.
///
/// # Errors
/// A database that fails.
pub async fn register_jobs(db: &Db, names: &[&str], scheduled: &[&str]) -> Result<()> {
    db.system("register_jobs", async |conn: &mut SystemConn| {
        register(conn, names).await?;
        let sql = diesel::sql_query(include_str!("../sql/job_begin_schedules.sql")).bind::<Array<Text>, _>(scheduled);
        sql.execute(conn).await?;
        Ok(())
    })
    .await
}

async fn register(conn: &mut AsyncPgConnection, names: &[&str]) -> Result<()> {
    let rows: Vec<_> = names.iter().map(|name| jobs::name.eq(*name)).collect();
    diesel::insert_into(jobs::table).values(rows).on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

/// Makes the runs for the times in `due`, the newest last, up to which the schedule is done then; and marks those in
/// `skipped` as not to be run, whether they wait already or were missed altogether. A run that exists is not made again.
///
/// # Errors
/// A database that fails.
pub async fn schedule_runs(db: &Db, job: &str, due: &[Timestamp], skipped: &[Timestamp]) -> Result<()> {
    db.system("schedule_runs", async |conn: &mut SystemConn| {
        let now = clock(conn).await?;
        let waiting = job_runs::table
            .filter(job_runs::job.eq(job))
            .filter(job_runs::state.eq(RunState::Pending.as_str()))
            .filter(job_runs::scheduled_for.eq_any(skipped));
        diesel::update(waiting)
            .set((job_runs::state.eq(RunState::Skipped.as_str()), job_runs::ended_at.eq(now)))
            .execute(conn)
            .await?;
        let until = due.last().copied();
        diesel::update(jobs::table.find(job).filter(jobs::scheduled_until.lt(until)))
            .set(jobs::scheduled_until.eq(until))
            .execute(conn)
            .await?;
        let skipped = skipped.iter().map(|time| new_run(job, *time, now, RunState::Skipped));
        let due = due.iter().map(|time| new_run(job, *time, now, RunState::Pending));
        diesel::insert_into(job_runs::table)
            .values(skipped.chain(due).collect::<Vec<_>>())
            .on_conflict((job_runs::job, job_runs::scheduled_for))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

/// The times of a job's runs that wait, oldest first.
///
/// # Errors
/// A database that fails.
pub async fn list_pending(db: &Db, job: &str) -> Result<Vec<Timestamp>> {
    db.statement(async |conn: &mut SystemConn| {
        let times = job_runs::table
            .filter(job_runs::job.eq(job))
            .filter(job_runs::state.eq(RunState::Pending.as_str()))
            .select(job_runs::scheduled_for)
            .order(job_runs::scheduled_for)
            .load(conn)
            .await?;
        Ok(times)
    })
    .await
}

/// Makes a run for now, unless one waits or is under way.
///
/// # Errors
/// A database that fails.
pub async fn request_run(db: &Db, job: &str) -> Result<Requested> {
    db.system("request_run", async |conn: &mut SystemConn| request_run_in(conn, job).await).await
}

/// As [`request_run`], in a transaction that does more. The job's row is locked, so that two who ask at once do not
/// both get one.
///
/// # Errors
/// A database that fails.
pub async fn request_run_in(conn: &mut SystemConn, job: &str) -> Result<Requested> {
    register(conn, &[job]).await?;
    lock_job(conn, job).await?;
    if let Some(open) = find_open_run(conn, job).await? {
        return Ok(Requested::AlreadyOpen(open));
    }
    let now = clock(conn).await?;
    let new = new_run(job, after_newest(conn, job, now).await?, now, RunState::Pending);
    let run: Row =
        diesel::insert_into(job_runs::table).values(new).returning(Row::as_returning()).get_result(conn).await?;
    Ok(Requested::Started(run.try_into()?))
}

/// Reads the run of a job that is under way, else the oldest that waits.
///
/// # Errors
/// A database that fails.
pub async fn find_open_run(conn: &mut SystemConn, job: &str) -> Result<Option<JobRun>> {
    let open: Option<Row> = job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::state.eq_any([RunState::Pending.as_str(), RunState::Running.as_str()]))
        .select(Row::as_select())
        .order((job_runs::state.desc(), job_runs::scheduled_for))
        .first(conn)
        .await
        .optional()?;
    open.map(JobRun::try_from).transpose()
}

/// Now, or the next moment if the newest run is for now: `(job, scheduled_for)` is unique.
async fn after_newest(conn: &mut AsyncPgConnection, job: &str, now: Timestamp) -> Result<Timestamp> {
    let newest: Option<Timestamp> = job_runs::table
        .filter(job_runs::job.eq(job))
        .select(diesel::dsl::max(job_runs::scheduled_for))
        .first(conn)
        .await?;
    Ok(newest.map_or(now, |newest| now.max(newest + Duration::from_micros(1))))
}

/// Claims the run to work on: one whose process lost its lease, else the oldest that waits long
/// enough. None while another run of the job is alive: there is only one at a time. A run that was
/// asked to stop before its process died ends here instead.
///
/// # Errors
/// A database that fails.
pub async fn claim_run(db: &Db, job: &str, lease: Duration) -> Result<Option<ClaimedRun>> {
    db.system("claim_run", async |conn: &mut SystemConn| {
        lock_job(conn, job).await?;
        let now = clock(conn).await?;
        let Some(candidate) = lock_candidate(conn, job, now).await? else { return Ok(None) };
        let row: Row = diesel::update(job_runs::table.find(candidate))
            .set((
                job_runs::state.eq(RunState::Running.as_str()),
                job_runs::fence.eq(job_runs::fence + 1),
                job_runs::attempt.eq(job_runs::attempt + 1),
                job_runs::lease_until.eq(now + lease),
                job_runs::started_at.eq(now),
                job_runs::began_with.eq(job_runs::outcome),
            ))
            .returning(Row::as_returning())
            .get_result(conn)
            .await?;
        let fence = Fence { run: row.id, number: row.fence };
        let position = row.position.clone();
        Ok(Some(ClaimedRun { fence, run: row.try_into()?, position }))
    })
    .await
}

/// Locks the run to work on, unless it belongs to somebody alive.
async fn lock_candidate(conn: &mut AsyncPgConnection, job: &str, now: Timestamp) -> Result<Option<Uuid>> {
    while let Some(candidate) = find_candidate(conn, job, now).await? {
        let free = job_runs::state.eq(RunState::Pending.as_str()).or(job_runs::lease_until.le(now).assume_not_null());
        // A row that is locked belongs to somebody alive: an effect of the run, or its heartbeat.
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

/// The run under way if there is one, however long its lease, else the oldest that is due.
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

async fn lock_job(conn: &mut AsyncPgConnection, job: &str) -> Result<()> {
    let name: Option<String> =
        jobs::table.find(job).select(jobs::name).for_no_key_update().first(conn).await.optional()?;
    name.map(|_| ()).ok_or_else(|| Error::corrupt(format!("the job {job} is not registered")))
}

#[derive(Insertable)]
#[diesel(table_name = job_runs)]
struct NewRun<'a> {
    id: Uuid,
    job: &'a str,
    scheduled_for: Timestamp,
    state: &'static str,
    attempt: i32,
    fence: i64,
    not_before: Timestamp,
    ended_at: Option<Timestamp>,
    outcome: serde_json::Value,
}

fn new_run(job: &str, scheduled_for: Timestamp, now: Timestamp, state: RunState) -> NewRun<'_> {
    NewRun {
        id: Uuid::now_v7(),
        job,
        scheduled_for,
        state: state.as_str(),
        attempt: 0,
        fence: 0,
        not_before: now,
        ended_at: (!state.is_open()).then_some(now),
        outcome: serde_json::json!({}),
    }
}
