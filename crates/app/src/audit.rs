//! Reading the audit: who changed what, when, before and after.

use rollcall_domain::OrganizationId;
pub use rollcall_store::audit::{EventPage, KeptEvent, Wanted};
use rollcall_store::{ReadTx, audit as store};

use crate::{App, Read, Result, check_revision};

impl App {
    /// Reads up to `limit` of the wanted events before a revision, newest first; fewer where they
    /// are large.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_audit_events(
        &self,
        organization: &OrganizationId,
        wanted: &Wanted,
        before: Option<i64>,
        limit: u32,
        at_least: Option<i64>,
    ) -> Result<Read<EventPage>> {
        self.db
            .read(organization, "list_audit_events", async |tx: &mut ReadTx| {
                check_revision(tx, at_least)?;
                let value = store::list_events(tx, wanted, before, limit).await?;
                Ok(Read::of(tx, value))
            })
            .await
    }
}
