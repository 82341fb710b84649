//! Runs as they are shown, and what the engine has to know of the jobs.

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{Array, Bool, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::{JobRun, Row};
use crate::{Db, Result, SystemConn, schema::job_runs};

/// What a tick has to know of a job.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct JobStatus {
    /// The job's name.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The database's clock.
    #[diesel(sql_type = Timestamptz)]
    pub now: Timestamp,
    /// The times of its schedule up to this one have become runs. None where it has none.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub scheduled_until: Option<Timestamp>,
    /// Whether there is a run to claim.
    #[diesel(sql_type = Bool)]
    pub claimable: bool,
    /// Whether a process that is alive works on a run.
    #[diesel(sql_type = Bool)]
    pub running: bool,
}

/// Looks at the jobs, in one statement that locks nothing.
///
/// # Errors
/// A database that fails.
pub async fn list_statuses(db: &Db, names: &[&str]) -> Result<Vec<JobStatus>> {
    let sql = diesel::sql_query(include_str!("../sql/job_list_statuses.sql")).bind::<Array<Text>, _>(names);
    db.statement(async |conn: &mut SystemConn| Ok(sql.load(conn).await?)).await
}

/// The database's clock.
///
/// # Errors
/// A database that fails.
pub async fn clock(db: &Db) -> Result<Timestamp> {
    db.statement(async |conn: &mut SystemConn| crate::db::clock(conn).await).await
}

/// Reads one run.
///
/// # Errors
/// A database that fails.
pub async fn find_run(db: &Db, run: Uuid) -> Result<Option<JobRun>> {
    let query = job_runs::table.find(run).select(Row::as_select());
    let row = db.statement(async |conn: &mut SystemConn| Ok(query.first(conn).await.optional()?)).await?;
    row.map(JobRun::try_from).transpose()
}

/// Reads one run of a job, in a transaction that does more.
///
/// # Errors
/// A database that fails.
pub async fn find_run_in(conn: &mut SystemConn, job: &str, run: Uuid) -> Result<Option<JobRun>> {
    let of_job = job_runs::table.find(run).filter(job_runs::job.eq(job));
    of_job.select(Row::as_select()).first(conn).await.optional()?.map(JobRun::try_from).transpose()
}

/// The runs of a job that say how it is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobRuns {
    /// The one under way, else the oldest that waits.
    pub current: Option<JobRun>,
    /// The newest that ended; one that was skipped never began.
    pub last: Option<JobRun>,
}

/// Reads the current and the last run of each job that has any.
///
/// # Errors
/// A database that fails.
pub async fn list_current_and_last(db: &Db, names: &[&str]) -> Result<HashMap<String, JobRuns>> {
    let sql = diesel::sql_query(include_str!("../sql/job_list_current_and_last.sql")).bind::<Array<Text>, _>(names);
    let rows: Vec<Row> = db.statement(async |conn: &mut SystemConn| Ok(sql.load(conn).await?)).await?;
    let mut found: HashMap<String, JobRuns> = HashMap::new();
    for row in rows {
        let run = JobRun::try_from(row)?;
        let runs = found.entry(run.job.clone()).or_default();
        let place = if run.state.is_open() { &mut runs.current } else { &mut runs.last };
        *place = Some(run);
    }
    Ok(found)
}

/// Reads up to `limit` runs of a job, or of all, newest first, after the one with this time and
/// id.
///
/// # Errors
/// A database that fails.
pub async fn list_runs(
    db: &Db,
    job: Option<&str>,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
) -> Result<Vec<JobRun>> {
    let mut query = job_runs::table
        .select(Row::as_select())
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
    let rows: Vec<Row> = db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await?;
    rows.into_iter().map(JobRun::try_from).collect()
}
