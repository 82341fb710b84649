//! Transactions of one organization. A function that touches a tenant table takes one of them, so that it cannot be
//! called without an organization.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, OnceLock},
};

use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, TransactionManager, pooled_connection::deadpool::Object,
};
use rollcall_domain::{Organization, OrganizationId, Timestamp};

use super::{
    body::TxError,
    budgets::StreamPlace,
    interrupt::interrupt,
    tls::DatabaseTls,
    transaction::{report_lost_connection, rollback},
};

/// A pooled connection with a transaction. When it is dropped before the transaction's end, it closes the connection:
/// back in the pool, the connection would keep its locks and its read snapshot until the next use.
pub(crate) struct TransactionConn {
    conn: Option<Object<AsyncPgConnection>>,
    /// With which TLS the running statement is cancelled; `None` if it is not cancelled.
    cancel: Option<Arc<DatabaseTls>>,
}

impl TransactionConn {
    /// For a transaction that writes.
    pub(super) fn writing(conn: Object<AsyncPgConnection>) -> Self {
        Self { conn: Some(conn), cancel: None }
    }

    /// For a transaction that only reads: its statement is cancelled before the connection is closed.
    pub(super) fn reading(conn: Object<AsyncPgConnection>, tls: Arc<DatabaseTls>) -> Self {
        Self { conn: Some(conn), cancel: Some(tls) }
    }
}

impl Drop for TransactionConn {
    fn drop(&mut self) {
        if let Some(mut conn) = self.conn.take()
            && AnsiTransactionManager::is_broken_transaction_manager(&mut *conn)
        {
            match self.cancel.take() {
                Some(tls) => interrupt(conn, tls),
                None => drop(Object::take(conn)),
            }
        }
    }
}

impl Deref for TransactionConn {
    type Target = Object<AsyncPgConnection>;

    fn deref(&self) -> &Self::Target {
        self.conn.as_ref().unwrap_or_else(|| unreachable!("only drop takes the connection"))
    }
}

impl DerefMut for TransactionConn {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.conn.as_mut().unwrap_or_else(|| unreachable!("only drop takes the connection"))
    }
}

/// A read snapshot of one organization: all statements see the same state.
pub struct ReadTx {
    pub(crate) conn: TransactionConn,
    pub(crate) organization: Organization,
    /// The place of a snapshot in the budget of streams. It is given back after the connection.
    pub(super) _stream: Option<StreamPlace>,
}

impl ReadTx {
    /// The organization, as this transaction sees it.
    #[must_use]
    pub fn organization(&self) -> &Organization {
        &self.organization
    }

    /// The organization's id, which every statement filters by.
    #[must_use]
    pub fn id(&self) -> &OrganizationId {
        &self.organization.id
    }

    /// Returns [`crate::Error::Unavailable`] when the database has ended the connection, else `error`. For errors after
    /// which the snapshot is not read any further.
    pub async fn report_lost_connection<E: TxError>(&mut self, error: E) -> E {
        report_lost_connection(&mut self.conn, error).await
    }

    /// Ends a snapshot that is read completely. Its connection goes back to the pool.
    pub async fn end(mut self) {
        rollback(&mut self.conn).await;
    }

    pub(crate) fn parts(&mut self) -> (&mut AsyncPgConnection, &str) {
        (&mut self.conn, self.organization.id.as_str())
    }
}

/// A transaction that changes one organization. The organization's row is locked, so there is one at a time.
pub struct WriteTx {
    pub(super) read: ReadTx,
    pub(super) now: Timestamp,
    /// The new revision, after the write has set it.
    pub(super) written: Arc<OnceLock<i64>>,
}

impl WriteTx {
    /// The time of this write: the database's clock after the lock, never before the organization's last write.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The organization's revision after this write.
    #[must_use]
    pub fn next_revision(&self) -> i64 {
        self.read.organization.revision + 1
    }

    /// Notes that the write has set the organization's revision.
    pub(crate) fn note_written(&self, revision: i64) {
        // A write sets it once.
        let _ = self.written.set(revision);
    }
}

impl Deref for WriteTx {
    type Target = ReadTx;

    fn deref(&self) -> &ReadTx {
        &self.read
    }
}

impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut ReadTx {
        &mut self.read
    }
}
