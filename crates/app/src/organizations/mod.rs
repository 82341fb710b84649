//! Organizations and their catalogs.

mod catalog;
mod create;
mod update;

use rollcall_domain::OrganizationId;
use rollcall_store::{ReadTx, organizations as store};

pub use catalog::{CatalogReplacement, CatalogView, SeatUse};
pub use create::OrganizationCreation;
pub use rollcall_store::organizations::OrganizationView;
pub use update::OrganizationUpdate;

use crate::{App, Read, Result, check_revision};

impl App {
    /// Reads an organization.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn get_organization(
        &self,
        organization: &OrganizationId,
        at_least: Option<i64>,
    ) -> Result<Read<OrganizationView>> {
        self.db
            .read(organization, "get_organization", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                Ok(Read::of(tx, tx.organization().clone().into()))
            })
            .await
    }

    /// Reads up to `limit` organizations after one, in byte order of their ids.
    ///
    /// # Errors
    /// A store that cannot be reached.
    pub async fn list_organizations(&self, after: Option<&str>, limit: u32) -> Result<Vec<OrganizationView>> {
        Ok(store::list_organizations(&self.db, after, limit).await?)
    }
}
