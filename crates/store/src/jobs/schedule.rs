//! Creating runs: for the times of a schedule, and on request.

use std::time::Duration;

use diesel::{
    prelude::*,
    sql_types::{Array, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{
    notices::notify_engines,
    read::find_open_run,
    run::{JobRun, RunState},
};
use crate::{
    Db, Error, Result, SystemConn,
    db::clock,
    schema::{job_runs, jobs},
};

/// The result of a request for a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestedRun {
    /// A new run, which is pending.
    Created(JobRun),
    /// A run of the job is pending or running, so no new run was created.
    AlreadyOpen(JobRun),
}

/// Registers jobs, and begins the schedules of those in `scheduled` that have not begun. Times before the begin of a
/// schedule do not count as missed.
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

/// Creates a pending run for `due`, and moves the job's schedule up to this time. Marks the times in `skipped` as
/// skipped: pending runs change their state, and missed times get a run that is skipped. An existing run is not created
/// again.
pub async fn schedule_run(db: &Db, job: &str, due: Timestamp, skipped: &[Timestamp]) -> Result<()> {
    db.system("schedule_run", async |conn: &mut SystemConn| {
        let now = clock(conn).await?;
        let pending = job_runs::table
            .filter(job_runs::job.eq(job))
            .filter(job_runs::state.eq(RunState::Pending.as_str()))
            .filter(job_runs::scheduled_for.eq_any(skipped));
        diesel::update(pending)
            .set((job_runs::state.eq(RunState::Skipped.as_str()), job_runs::ended_at.eq(now)))
            .execute(conn)
            .await?;
        diesel::update(jobs::table.find(job).filter(jobs::scheduled_until.lt(due)))
            .set(jobs::scheduled_until.eq(due))
            .execute(conn)
            .await?;
        let skipped = skipped.iter().map(|time| new_run(job, *time, now, RunState::Skipped));
        diesel::insert_into(job_runs::table)
            .values(skipped.chain([new_run(job, due, now, RunState::Pending)]).collect::<Vec<_>>())
            .on_conflict((job_runs::job, job_runs::scheduled_for))
            .do_nothing()
            .execute(conn)
            .await?;
        Ok(())
    })
    .await
}

/// Sets a schedule back that a wrong reading of the clock has moved beyond `now`. Times between that became skipped runs
/// become runs when they come.
pub async fn set_schedule_back(db: &Db, job: &str, now: Timestamp) -> Result<()> {
    db.system("set_schedule_back", async |conn: &mut SystemConn| {
        lock_job(conn, job).await?;
        let sql = diesel::sql_query(include_str!("../sql/job_set_schedule_back.sql"));
        sql.bind::<Text, _>(job).bind::<Timestamptz, _>(now).execute(conn).await?;
        Ok(())
    })
    .await
}

/// Creates a run for the current time, unless a run of the job is pending or running.
pub async fn request_run(db: &Db, job: &str) -> Result<RequestedRun> {
    db.system("request_run", async |conn: &mut SystemConn| request_run_in(conn, job).await).await
}

/// Like [`request_run`], in the caller's transaction. The job's row is locked, so that of two concurrent requests only
/// one creates a run.
pub async fn request_run_in(conn: &mut SystemConn, job: &str) -> Result<RequestedRun> {
    register(conn, &[job]).await?;
    lock_job(conn, job).await?;
    if let Some(open) = find_open_run(conn, job).await? {
        return Ok(RequestedRun::AlreadyOpen(open));
    }
    let now = clock(conn).await?;
    let new = new_run(job, after_newest(conn, job, now).await?, now, RunState::Pending);
    let run = diesel::insert_into(job_runs::table).values(new).returning(JobRun::as_returning());
    let run = run.get_result(conn).await?;
    notify_engines(conn).await?;
    Ok(RequestedRun::Created(run))
}

/// Returns the current time, or a microsecond after the newest run if that is later: `(job, scheduled_for)` is unique.
async fn after_newest(conn: &mut AsyncPgConnection, job: &str, now: Timestamp) -> Result<Timestamp> {
    let newest: Option<Timestamp> = job_runs::table
        .filter(job_runs::job.eq(job))
        .select(diesel::dsl::max(job_runs::scheduled_for))
        .first(conn)
        .await?;
    Ok(newest.map_or(now, |newest| now.max(newest + Duration::from_micros(1))))
}

/// Locks the job's row, so that one transaction at a time creates or claims a run of the job.
pub(super) async fn lock_job(conn: &mut AsyncPgConnection, job: &str) -> Result<()> {
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
