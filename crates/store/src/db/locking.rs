//! Waiting for the lock of an organization without holding a connection.

use std::sync::Arc;

use rollcall_domain::OrganizationId;
use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    Db, ReadTx, WriteOptions, WriteTx,
    interrupt::BegunWrite,
    limits::within,
    queue::{LockPauses, Turn},
    scope::set_organization,
    transaction::{begin, lock, roll_back_after},
    tx::TransactionConn,
};
use crate::{Error, Result};

/// A transaction that has locked an organization.
pub(super) struct LockedTx {
    pub(super) tx: WriteTx,
    /// The caller's work does not end before this transaction.
    _begun: BegunWrite,
}

impl Db {
    pub(super) async fn wait_for_turn(
        &self,
        organization: &OrganizationId,
        options: WriteOptions,
        deadline: Instant,
    ) -> Result<Turn> {
        let place = self.writes.join_if_short(organization, options.waiting_max(self.limits))?;
        place.wait(deadline).await.ok_or_else(|| options.lock_error(organization))
    }

    /// Waits until a bulk write may take a connection. Meanwhile it keeps the turn of its organization.
    pub(super) async fn wait_for_bulk(
        &self,
        organization: &OrganizationId,
        options: WriteOptions,
        deadline: Instant,
    ) -> Result<Option<OwnedSemaphorePermit>> {
        if !options.is_bulk {
            return Ok(None);
        }
        let permit = tokio::time::timeout_at(deadline, self.bulk.clone().acquire_owned()).await;
        // Nothing closes the semaphore.
        let permit = permit.ok().and_then(std::result::Result::ok);
        permit.map(Some).ok_or_else(|| options.lock_error(organization))
    }

    /// Locks an organization. While another process holds its lock, this gives the connection back between attempts.
    pub(super) async fn lock(
        &self,
        organization: &OrganizationId,
        options: WriteOptions,
        deadline: Instant,
    ) -> Result<LockedTx> {
        let mut pauses = LockPauses::new();
        loop {
            match within(self.limits.statement, self.try_lock(organization, options)).await {
                Err(Error::Busy) if options.waits() && Instant::now() < deadline => pauses.pause(deadline).await,
                Err(Error::Busy) => return Err(options.lock_error(organization)),
                done => return done,
            }
        }
    }

    async fn try_lock(&self, organization: &OrganizationId, options: WriteOptions) -> Result<LockedTx> {
        let conn = self.connection().await?;
        let begun = BegunWrite::new();
        let mut conn = TransactionConn::writing(conn);
        begin(&mut conn, &format!("BEGIN; {}", set_organization(organization.as_str()))).await?;
        let locked = lock(&mut conn, organization, options).await;
        match locked {
            Ok((organization, now)) => {
                let read = ReadTx { conn, organization, _stream: None };
                Ok(LockedTx { tx: WriteTx { read, now, written: Arc::default() }, _begun: begun })
            }
            Err(error) => Err(roll_back_after(&mut conn, error).await),
        }
    }

    /// Checks that a write of an organization would not be refused now, before work for it is begun.
    ///
    /// # Errors
    /// [`Error::QueueFull`] when as many writes wait as may.
    pub fn check_queue(&self, organization: &OrganizationId) -> Result<()> {
        if self.writes.count(organization) > self.limits.waiting_writes {
            return Err(Error::QueueFull(organization.clone()));
        }
        Ok(())
    }

    /// Returns how many writes of an organization wait for its lock in this process, or have it.
    #[must_use]
    pub fn queued_writes(&self, organization: &OrganizationId) -> usize {
        self.writes.count(organization)
    }
}
