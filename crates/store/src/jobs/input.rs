//! The input of a run, and how far the run has worked through it: for jobs whose work a request describes. The position
//! is written with the effect, so that a process that takes the run over continues exactly there.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::Value;
use uuid::Uuid;

use super::run_attempt::add_to_outcome;
use crate::{
    Db, Error, Fence, Result, SystemConn, WriteTx,
    schema::{job_run_refusals, job_runs},
};

/// The input of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunInput {
    /// The document that the request has stored.
    pub input: Value,
    /// The last organization that the run has dealt with.
    pub position: Option<String>,
}

/// An organization that a run could not change.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = job_run_refusals)]
pub struct RunRefusal {
    /// The id of the organization.
    pub organization: String,
    /// The name of the `ErrorReason`.
    pub reason: String,
    /// Why the organization was not changed, and what to do.
    pub message: String,
}

/// Stores the input of a run, in the transaction that requests the run.
pub async fn update_input(conn: &mut SystemConn, run: Uuid, input: &Value) -> Result<()> {
    diesel::update(job_runs::table.find(run)).set(job_runs::input.eq(input)).execute(conn).await?;
    Ok(())
}

/// Reads the input of a run. Returns `None` if the run was requested without input.
pub async fn find_input(db: &Db, run: Uuid) -> Result<Option<RunInput>> {
    let query = job_runs::table.find(run).select((job_runs::input, job_runs::position));
    db.statement(async |conn: &mut SystemConn| {
        let row: Option<(Option<Value>, Option<String>)> = query.first(conn).await.optional()?;
        Ok(row.and_then(|(input, position)| Some(RunInput { input: input?, position })))
    })
    .await
}

/// Moves the position of a run to the organization of this transaction and adds counts to the run's outcome, in the
/// transaction of the effect.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn advance_in(tx: &mut WriteTx, fence: Fence, counts: &[(&str, i64)]) -> Result<()> {
    let (conn, organization) = tx.parts();
    advance(conn, fence, organization, counts).await
}

/// Moves the position of a run to an organization that needed no change, or that is refused, and adds counts to the run's
/// outcome.
///
/// # Errors
/// [`Error::FenceLost`].
pub async fn advance_without_effect(
    db: &Db,
    fence: Fence,
    organization: &str,
    counts: &[(&str, i64)],
    refusal: Option<&RunRefusal>,
) -> Result<()> {
    db.system("advance_run", async |conn: &mut SystemConn| {
        advance(conn, fence, organization, counts).await?;
        if let Some(refusal) = refusal {
            diesel::insert_into(job_run_refusals::table)
                .values((job_run_refusals::run_id.eq(fence.run), refusal))
                .execute(conn)
                .await?;
        }
        Ok(())
    })
    .await
}

async fn advance(conn: &mut AsyncPgConnection, fence: Fence, position: &str, counts: &[(&str, i64)]) -> Result<()> {
    add_to_outcome(conn, fence, counts).await?;
    let update = diesel::update(job_runs::table.find(fence.run)).set(job_runs::position.eq(position));
    update.execute(conn).await.map_err(Error::of_statement("update_position"))?;
    Ok(())
}

/// Reads up to `limit` organizations that a run could not change, in byte order of their ids.
pub async fn list_refusals(db: &Db, run: Uuid, limit: i64) -> Result<Vec<RunRefusal>> {
    let query = job_run_refusals::table
        .filter(job_run_refusals::run_id.eq(run))
        .select(RunRefusal::as_select())
        .order(job_run_refusals::organization)
        .limit(limit);
    db.statement(async |conn: &mut SystemConn| Ok(query.load(conn).await?)).await
}
