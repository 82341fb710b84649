//! How every transaction begins and ends.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection as _, TransactionManager};
use rollcall_domain::{Organization, OrganizationId, Timestamp};
use uuid::Uuid;

use super::{
    body::TxError,
    organization::{lock_organization, lock_organization_if_free},
};
use crate::{Error, Result};

/// Proof that a job's run still owns its lease: the fence that the run was claimed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: Uuid,
    /// The number of times that the run has been claimed.
    pub number: i64,
}

/// The run that a transaction writes for, and whether the transaction waits for the organization's lock.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    pub(super) fence: Fence,
    pub(super) wait: bool,
}

pub(super) async fn begin(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    match AnsiTransactionManager::begin_transaction_sql(conn, sql).await {
        Ok(()) => Ok(()),
        Err(error) => Err(report_lost_connection(conn, error.into()).await),
    }
}

pub(super) async fn commit(conn: &mut AsyncPgConnection) -> Result<()> {
    match AnsiTransactionManager::commit_transaction(conn).await {
        Ok(()) => Ok(()),
        Err(error) => Err(report_lost_connection(conn, error.into()).await),
    }
}

/// Returns [`Error::Unavailable`] when the database has ended the connection, else `error`.
///
/// The last message on a connection that the database ends looks like the error of any statement: diesel does not pass
/// the SQLSTATE on, and the message may be in any language. So an internal error is followed by a test statement.
pub(crate) async fn report_lost_connection<E: TxError>(conn: &mut AsyncPgConnection, error: E) -> E {
    if !error.is_internal() {
        return error;
    }
    match conn.batch_execute("SELECT 1").await.map_err(Error::from) {
        Err(lost @ Error::Unavailable(_)) => lost.into(),
        _ => error,
    }
}

/// Rolls back. When that fails, the database has ended the transaction with its connection, and the pool drops the
/// connection.
pub(super) async fn rollback(conn: &mut AsyncPgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn).await {
        tracing::debug!(%error, "rollback failed");
    }
}

/// Rolls back and returns the error to report.
pub(super) async fn roll_back_after<E: TxError>(conn: &mut AsyncPgConnection, error: E) -> E {
    let error = report_lost_connection(conn, error).await;
    rollback(conn).await;
    error
}

/// Locks an organization's row. Returns the organization and the time of the write: the database's clock after the lock,
/// or the time of the organization's last write if that is later.
pub(super) async fn lock(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    claim: Option<Claim>,
) -> Result<(Organization, Timestamp)> {
    let (organization, now) = if claim.is_none_or(|claim| claim.wait) {
        let found = lock_organization(conn, organization).await?;
        found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?
    } else {
        lock_organization_if_free(conn, organization).await?.ok_or(Error::Busy)?
    };
    if let Some(claim) = claim {
        crate::jobs::check_fence(conn, claim.fence).await?;
    }
    let now = now.max(organization.last_write_at);
    Ok((organization, now))
}

/// Waits a random time before the next attempt; the longest wait doubles with each attempt.
pub(super) async fn pause(attempt: u32) {
    let limit = 10 * (1 << attempt);
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=limit))).await;
}
