//! What every transaction begins and ends with.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, TransactionManager};
use rollcall_domain::{OrganizationId, Timestamp};

use super::{Fence, clock};
use crate::{
    Error, Result,
    organizations::{self, Organization},
};

pub(super) async fn begin(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    Ok(AnsiTransactionManager::begin_transaction_sql(conn, sql).await?)
}

pub(super) async fn commit(conn: &mut AsyncPgConnection) -> Result<()> {
    Ok(AnsiTransactionManager::commit_transaction(conn).await?)
}

/// A rollback that fails leaves a connection that the pool throws away: the transaction is gone
/// either way, and the first error is the one to tell.
pub(super) async fn rollback(conn: &mut AsyncPgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn).await {
        tracing::debug!(%error, "rollback failed");
    }
}

pub(super) async fn lock(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    fence: Option<Fence>,
) -> Result<(Organization, Timestamp)> {
    let found = organizations::lock_by_id(conn, organization).await?;
    let organization = found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?;
    if let Some(fence) = fence {
        crate::jobs::check_fence(conn, fence).await?;
    }
    let now = clock(conn).await?.max(organization.last_write_at);
    Ok((organization, now))
}

pub(super) async fn pause(attempt: u32) {
    let limit = 10 * (1 << attempt);
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=limit))).await;
}
