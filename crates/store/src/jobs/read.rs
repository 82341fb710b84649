//! Reading jobs and runs.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{Array, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::run::{JobRun, RunState};
use crate::{
    Db, Result, SystemConn,
    schema::{job_runs, jobs},
};

/// What the engine reads of a job at each tick.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = jobs)]
pub struct JobStatus {
    /// The job's name.
    pub name: String,
    /// The time of the database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: Timestamp,
    /// The times of the schedule up to this one have become runs. `None` for a job without a schedule.
    pub scheduled_until: Option<Timestamp>,
    /// Whether there is a run to claim.
    #[diesel(sql_type = Bool)]
    pub claimable: bool,
    /// When the first pending run is or was due.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub due_at: Option<Timestamp>,
    /// Whether a live process works on a run.
    #[diesel(sql_type = Bool)]
    pub running: bool,
}

/// Reads the status of jobs, in one statement without locks.
pub async fn list_statuses(db: &Db, names: &[&str]) -> Result<Vec<JobStatus>> {
    let sql = diesel::sql_query(include_str!("../sql/job_list_statuses.sql")).bind::<Array<Text>, _>(names);
    db.statement(async |conn: &mut SystemConn| Ok(sql.load(conn).await?)).await
}

/// Reads the database's clock.
pub async fn clock(db: &Db) -> Result<Timestamp> {
    db.statement(async |conn: &mut SystemConn| crate::db::clock(conn).await).await
}

/// Reads the times of a job's pending runs, oldest first.
pub async fn list_pending(db: &Db, job: &str) -> Result<Vec<Timestamp>> {
    let pending = job_runs::job.eq(job).and(job_runs::state.eq(RunState::Pending.as_str()));
    let times = job_runs::table.filter(pending).select(job_runs::scheduled_for).order(job_runs::scheduled_for);
    db.statement(async |conn: &mut SystemConn| Ok(times.load(conn).await?)).await
}

/// Reads the running run of a job, else its oldest pending run.
pub async fn find_open_run(conn: &mut SystemConn, job: &str) -> Result<Option<JobRun>> {
    let open = job_runs::table
        .filter(job_runs::job.eq(job))
        .filter(job_runs::state.eq_any([RunState::Pending.as_str(), RunState::Running.as_str()]))
        .select(JobRun::as_select())
        .order((job_runs::state.desc(), job_runs::scheduled_for));
    Ok(open.first(conn).await.optional()?)
}

/// Reads one run.
pub async fn find_run(db: &Db, run: Uuid) -> Result<Option<JobRun>> {
    let query = job_runs::table.find(run).select(JobRun::as_select());
    db.statement(async |conn: &mut SystemConn| Ok(query.first(conn).await.optional()?)).await
}

/// Reads one run of a job, in the caller's transaction.
pub async fn find_run_in(conn: &mut SystemConn, job: &str, run: Uuid) -> Result<Option<JobRun>> {
    let of_job = job_runs::table.find(run).filter(job_runs::job.eq(job));
    Ok(of_job.select(JobRun::as_select()).first(conn).await.optional()?)
}

/// The current and the last run of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRuns {
    /// The running run, else the oldest pending run.
    pub current: Option<JobRun>,
    /// The run that ended last. Skipped runs never began, so they are left out.
    pub last: Option<JobRun>,
}

/// Reads the current and the last run of each job. A job without runs is not in the result.
pub async fn list_current_and_last(db: &Db, names: &[&str]) -> Result<HashMap<String, JobRuns>> {
    let sql = diesel::sql_query(include_str!("../sql/job_list_current_and_last.sql")).bind::<Array<Text>, _>(names);
    let read: Vec<JobRun> = db.statement(async |conn: &mut SystemConn| Ok(sql.load(conn).await?)).await?;
    let mut found: HashMap<String, JobRuns> = HashMap::new();
    for run in read {
        let runs = found.entry(run.job.clone()).or_default();
        let place = if run.state.is_open() { &mut runs.current } else { &mut runs.last };
        *place = Some(run);
    }
    Ok(found)
}

/// Reads up to `limit` runs, newest first: of one job or of all, and only those after the run with the time and id in
/// `after`.
pub async fn list_runs(
    db: &Db,
    job: Option<&str>,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
) -> Result<Vec<JobRun>> {
    let mut query = job_runs::table
        .select(JobRun::as_select())
        .order((job_runs::scheduled_for.desc(), job_runs::id.desc()))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(job) = job {
        query = query.filter(job_runs::job.eq(job.to_owned()));
    }
    if let Some((time, id)) = after {
        let same_time = job_runs::scheduled_for.eq(time).and(job_runs::id.lt(id));
        query = query.filter(job_runs::scheduled_for.lt(time).or(same_time));
    }
    db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await
}
