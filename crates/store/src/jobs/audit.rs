//! The audit of jobs: one event for each run that failed or was cancelled. Events are only inserted and read: the database
//! refuses to change or delete them, and they outlive their runs.

use diesel::{pg::Pg, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use super::run::RunState;
use crate::{Db, Error, Result, SystemConn, schema::job_audit_events};

/// A run of a job that failed or was cancelled.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = job_audit_events, check_for_backend(Pg))]
pub struct JobAuditEvent {
    /// The run's id. The run may be deleted by now.
    pub run_id: Uuid,
    /// The job's name.
    pub job: String,
    /// When the run ended.
    pub occurred_at: Timestamp,
    /// `Failed` or `Cancelled`.
    pub state: RunState,
    /// The job that failed, or who first asked the run to stop.
    pub actor: String,
    /// Why the run ended.
    pub cause: String,
}

/// Inserts the event of a run that ends, in the transaction that ends it.
pub(super) async fn insert_event(conn: &mut AsyncPgConnection, event: &JobAuditEvent) -> Result<()> {
    let row = (
        job_audit_events::run_id.eq(event.run_id),
        job_audit_events::job.eq(&event.job),
        job_audit_events::occurred_at.eq(event.occurred_at),
        job_audit_events::state.eq(event.state.as_str()),
        job_audit_events::actor.eq(&event.actor),
        job_audit_events::cause.eq(&event.cause),
    );
    let insert = diesel::insert_into(job_audit_events::table).values(row);
    insert.execute(conn).await.map_err(Error::of_statement("insert_job_audit_event"))?;
    Ok(())
}

/// Reads up to `limit` events, newest first: of one job or of all, and only those after the event with the time and run
/// in `after`.
pub async fn list_job_audit_events(
    db: &Db,
    job: Option<&str>,
    after: Option<(Timestamp, Uuid)>,
    limit: u32,
) -> Result<Vec<JobAuditEvent>> {
    let mut query = job_audit_events::table
        .select(JobAuditEvent::as_select())
        .order((job_audit_events::occurred_at.desc(), job_audit_events::run_id.desc()))
        .limit(i64::from(limit))
        .into_boxed();
    if let Some(job) = job {
        query = query.filter(job_audit_events::job.eq(job.to_owned()));
    }
    if let Some((time, run)) = after {
        let same_time = job_audit_events::occurred_at.eq(time).and(job_audit_events::run_id.lt(run));
        query = query.filter(job_audit_events::occurred_at.lt(time).or(same_time));
    }
    db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await
}
