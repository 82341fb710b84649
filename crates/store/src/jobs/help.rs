//! Sharing the work of a run that another process has claimed (ADR 13).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{ClaimedRun, Row, RunState, held_by};
use crate::{
    Db, Fence, Result, SystemConn,
    db::clock,
    schema::job_runs::{self, dsl},
};

/// Reads the run of a job that a process works on which is alive, with the fence of its claim. One that was asked to
/// stop is not to be helped with.
///
/// # Errors
/// A database that fails.
pub async fn find_shared_run(db: &Db, job: &str) -> Result<Option<ClaimedRun>> {
    db.system("find_shared_run", async |conn: &mut SystemConn| {
        let now = clock(conn).await?;
        let row: Option<Row> = job_runs::table
            .filter(dsl::job.eq(job).and(dsl::state.eq(RunState::Running.as_str())))
            .filter(dsl::lease_until.gt(now).and(dsl::cancel_requested_at.is_null()))
            .select(Row::as_select())
            .first(conn)
            .await
            .optional()?;
        let claimed = row.map(|row| {
            let (fence, position) = (Fence { run: row.id, number: row.fence }, row.position.clone());
            Ok(ClaimedRun { fence, run: row.try_into()?, position })
        });
        claimed.transpose()
    })
    .await
}

/// Whether a run is still to be helped with: nobody has taken it over or asked it to stop, and its process is alive.
///
/// # Errors
/// A database that fails.
pub async fn may_help(db: &Db, fence: Fence) -> Result<bool> {
    db.system("may_help", async |conn: &mut SystemConn| {
        let now = clock(conn).await?;
        let alive = held_by(fence).filter(dsl::lease_until.gt(now).and(dsl::cancel_requested_at.is_null()));
        let alive: Option<Uuid> = alive.select(dsl::id).first(conn).await.optional()?;
        Ok(alive.is_some())
    })
    .await
}
