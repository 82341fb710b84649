//! Transactions of one organization. Having one is having the organization: no function of the
//! store that touches a tenant table can be called without it.

use std::ops::{Deref, DerefMut};

use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, TransactionManager, pooled_connection::deadpool::Object,
};
use rollcall_domain::{Organization, OrganizationId, Timestamp};

use crate::{TxError, db::told};

/// A connection with a transaction. Dropped before the transaction's end it is closed, so that
/// locks and snapshot go at once: in the pool they would stay until somebody takes it out again.
pub(crate) struct Transacting(Option<Object<AsyncPgConnection>>);

impl Transacting {
    pub(crate) fn new(conn: Object<AsyncPgConnection>) -> Self {
        Self(Some(conn))
    }
}

impl Drop for Transacting {
    fn drop(&mut self) {
        if let Some(mut conn) = self.0.take()
            && AnsiTransactionManager::is_broken_transaction_manager(&mut *conn)
        {
            drop(Object::take(conn));
        }
    }
}

impl Deref for Transacting {
    type Target = Object<AsyncPgConnection>;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().unwrap_or_else(|| unreachable!("taken only when dropped"))
    }
}

impl DerefMut for Transacting {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.0.as_mut().unwrap_or_else(|| unreachable!("taken only when dropped"))
    }
}

/// A consistent view of one organization.
pub struct ReadTx {
    pub(crate) conn: Transacting,
    pub(crate) organization: Organization,
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

    /// What to tell of an error that ends the reading: [`crate::Error::Unavailable`] where the database has ended the
    /// connection.
    pub async fn told<E: TxError>(&mut self, error: E) -> E {
        told(&mut self.conn, error).await
    }

    pub(crate) fn parts(&mut self) -> (&mut AsyncPgConnection, &str) {
        (&mut self.conn, self.organization.id.as_str())
    }
}

/// The one writer of an organization: its row is locked.
pub struct WriteTx {
    pub(crate) read: ReadTx,
    pub(crate) now: Timestamp,
}

impl WriteTx {
    /// The time of this write: the database's clock, read after the lock; never before the
    /// organization's last write.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The revision that this write makes, if it writes.
    #[must_use]
    pub fn next_revision(&self) -> i64 {
        self.read.organization.revision + 1
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
