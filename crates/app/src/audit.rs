//! Reading the audit: who changed what, when, before and after.

use rollcall_domain::OrganizationId;
pub use rollcall_store::audit::{AuditFilter, EventPage, SHOWN_BYTES, ShownDocument, ShownValue, StoredEvent};
use rollcall_store::{ReadTx, audit as store};

use crate::{App, Read, Result, check_revision};

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
}
