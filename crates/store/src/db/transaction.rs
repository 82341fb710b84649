//! The beginning and the end of every transaction.

use std::time::Duration;

use diesel_async::{AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection as _, TransactionManager};
use rollcall_domain::{Organization, OrganizationId, Timestamp};
use uuid::Uuid;

use super::{body::TxError, limits::Limits, organization::lock_organization};
use crate::{Error, Result};

/// Proof that a job's run still owns its lease: the fence that the run was claimed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: Uuid,
    /// The number of times that the run has been claimed.
    pub number: i64,
}

/// How long a transaction that does not wait for the lock of an organization waits for the other writes of this process.
/// It takes its place in their queue, because a steady stream of writes would otherwise leave it no chance.
const BUSY_AFTER: Duration = Duration::from_secs(1);

/// How a transaction writes an organization. A `&str` converts to the options with that span name and without a run.
#[derive(Clone, Copy, Debug)]
pub struct WriteOptions {
    /// The name of the span.
    pub(super) name: &'static str,
    fence: Option<Fence>,
    wait: bool,
    /// Whether the write is as large as a directory, and so counts for the connections of such writes.
    pub(super) is_bulk: bool,
}

impl WriteOptions {
    /// For a job's run: the transaction returns [`Error::FenceLost`] and writes nothing when the run has lost its lease.
    #[must_use]
    pub fn fenced(name: &'static str, fence: Fence) -> Self {
        Self { fence: Some(fence), ..name.into() }
    }

    /// The transaction does not wait for the organization's lock: it returns [`Error::Busy`] while another process holds
    /// it, or when the other writes of this process take more than a second. A helper of a run then continues with another
    /// organization.
    #[must_use]
    pub fn if_free(self) -> Self {
        Self { wait: false, ..self }
    }

    /// The write is as large as a directory. Only some connections are for such writes.
    #[must_use]
    pub fn bulk(name: &'static str) -> Self {
        Self { is_bulk: true, ..name.into() }
    }

    /// How many writes of the organization may wait before this one. A job waits however many there are: it has few
    /// writes, and a refusal would end its run.
    pub(super) fn waiting_max(self, limits: Limits) -> usize {
        if self.fence.is_some() { usize::MAX } else { limits.waiting_writes }
    }

    /// Whether the transaction waits while another process holds the lock.
    pub(super) fn waits(self) -> bool {
        self.wait
    }

    /// How long the transaction waits for its turn and for the lock.
    pub(super) fn lock_limit(self, limits: Limits) -> Duration {
        if self.wait { limits.lock } else { limits.lock.min(BUSY_AFTER) }
    }

    /// The error of a wait for the lock that has reached its limit.
    pub(super) fn lock_error(self, organization: &OrganizationId) -> Error {
        if self.wait { Error::LockTimeout(organization.clone()) } else { Error::Busy }
    }
}

impl From<&'static str> for WriteOptions {
    fn from(name: &'static str) -> Self {
        Self { name, fence: None, wait: true, is_bulk: false }
    }
}

pub(super) async fn begin(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    match AnsiTransactionManager::begin_transaction_sql(conn, sql).await {
        Ok(()) => Ok(()),
        Err(error) => {
            let error = report_lost_connection(conn, error.into()).await;
            // `sql` may have begun the transaction, and failed after that.
            let _ = conn.batch_execute("ROLLBACK").await;
            Err(error)
        }
    }
}

/// Commits a transaction, or rolls it back after an error of its body.
pub(super) async fn end<T, E: TxError>(
    conn: &mut AsyncPgConnection,
    answer: std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    match answer {
        Ok(value) => match AnsiTransactionManager::commit_transaction(conn).await {
            Ok(()) => Ok(value),
            Err(error) => Err(report_lost_connection(conn, Error::of_statement("COMMIT")(error)).await.into()),
        },
        Err(error) => Err(roll_back_after(conn, error).await),
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

/// Locks an organization's row without waiting. Returns the organization and the time of the write: the database's clock
/// after the lock, or the time of the organization's last write if that is later.
pub(super) async fn lock(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
    options: WriteOptions,
) -> Result<(Organization, Timestamp)> {
    let (organization, now) = lock_organization(conn, id).await?;
    if let Some(fence) = options.fence {
        crate::jobs::check_fence(conn, fence).await?;
    }
    let now = now.max(organization.last_write_at);
    Ok((organization, now))
}

/// Waits a random time before the next attempt; the longest wait doubles with each attempt.
pub(super) async fn pause(attempt: u32) {
    let limit = 10 * (1 << attempt);
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=limit))).await;
}
