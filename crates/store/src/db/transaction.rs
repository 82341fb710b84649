//! What every transaction begins and ends with.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection as _, TransactionManager};
use rollcall_domain::{Organization, OrganizationId, Timestamp};

use super::{Claim, TxError, clock};
use crate::{Error, Result, organizations};

pub(super) async fn begin(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    match AnsiTransactionManager::begin_transaction_sql(conn, sql).await {
        Ok(()) => Ok(()),
        Err(error) => Err(told(conn, error.into()).await),
    }
}

pub(super) async fn commit(conn: &mut AsyncPgConnection) -> Result<()> {
    match AnsiTransactionManager::commit_transaction(conn).await {
        Ok(()) => Ok(()),
        Err(error) => Err(told(conn, error.into()).await),
    }
}

/// The error to tell: where the database has ended the connection, that and not its last words, which look like any
/// refused statement (the SQLSTATE does not come through diesel, and the words may be in any language).
pub(crate) async fn told<E: TxError>(conn: &mut AsyncPgConnection, error: E) -> E {
    if !error.is_internal() {
        return error;
    }
    match conn.batch_execute("SELECT 1").await.map_err(Error::from) {
        Err(gone @ Error::Unavailable(_)) => gone.into(),
        _ => error,
    }
}

/// A rollback that fails leaves a connection that the pool throws away: the transaction is gone
/// either way, and the first error is the one to tell.
pub(super) async fn rollback(conn: &mut AsyncPgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn).await {
        tracing::debug!(%error, "rollback failed");
    }
}

/// Rolls back, and answers the error to tell.
pub(super) async fn rolled_back<E: TxError>(conn: &mut AsyncPgConnection, error: E) -> E {
    let error = told(conn, error).await;
    rollback(conn).await;
    error
}

pub(super) async fn lock(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    claim: Option<Claim>,
) -> Result<(Organization, Timestamp)> {
    let organization = if claim.is_none_or(|claim| claim.wait) {
        let found = organizations::lock_by_id(conn, organization).await?;
        found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?
    } else {
        organizations::lock_by_id_if_free(conn, organization).await?.ok_or(Error::Busy)?
    };
    if let Some(claim) = claim {
        crate::jobs::check_fence(conn, claim.fence).await?;
    }
    let now = clock(conn).await?.max(organization.last_write_at);
    Ok((organization, now))
}

pub(super) async fn pause(attempt: u32) {
    let limit = 10 * (1 << attempt);
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=limit))).await;
}
