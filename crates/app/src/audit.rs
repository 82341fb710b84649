//! Reading the audit: who changed what, when, before and after.

use rollcall_domain::{OrganizationId, names};
pub use rollcall_store::audit::{
    AuditFilter, EventPage, SHOWN_BYTES, ShownDocument, ShownValue, StoredEvent, TouchedChange, TouchedMember,
};
use rollcall_store::{ReadTx, audit as store};

use crate::{App, Error, Read, Result, check_revision};

impl App {
    /// Reads up to `limit` of the filter events before a revision, newest first; fewer where they
    /// are large.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_audit_events(
        &self,
        organization: &OrganizationId,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
        at_least: Option<i64>,
    ) -> Result<Read<EventPage>> {
        self.db
            .read(organization, "list_audit_events", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let value = store::list_events(tx, filter, before, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }

    /// Reads up to `limit` members after an id that the audit event of a revision touched, in byte order of their ids.
    ///
    /// # Errors
    /// An unknown organization or event. Each revision has one event.
    pub async fn list_audit_event_members(
        &self,
        organization: &OrganizationId,
        revision: i64,
        (after, limit): (Option<&str>, u32),
        at_least: Option<i64>,
    ) -> Result<Read<Vec<TouchedMember>>> {
        self.db
            .read(organization, "list_audit_event_members", async |tx: &mut ReadTx| {
                let newest = tx.organization().revision;
                check_revision(newest, at_least)?;
                if !(1..=newest).contains(&revision) {
                    return Err(Error::AuditEventNotFound(names::audit_event(organization, revision)));
                }
                let value = store::list_touched_members(tx, revision, after, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
