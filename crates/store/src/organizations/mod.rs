//! Organizations with their catalog.

mod catalog;
mod list;
mod write;

use rollcall_domain::{OrganizationId, Phase, Timestamp, catalog::Catalog, directory::MassChangeLimit};
use uuid::Uuid;

pub use catalog::{CatalogEntry, count_catalog_uses, update_catalog};
pub use list::{OrganizationView, list_ids_after, list_organizations};
pub use write::{NewOrganization, create_organization, preview_organization, update_organization};

/// An organization as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Never used again.
    pub uid: Uuid,
    /// As people write it.
    pub display_name: String,
    /// Who decides about email export.
    pub phase: Phase,
    /// What a sync may do without being asked twice.
    pub mass_change_limit: MassChangeLimit,
    /// What assignments can choose from.
    pub catalog: Catalog,
    /// The revision that last changed the catalog.
    pub catalog_revision: i64,
    /// The newest revision.
    pub revision: i64,
    /// The revision that last changed the organization's own fields.
    pub updated_revision: i64,
    /// When it was last written.
    pub last_write_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its own fields last changed.
    pub updated_at: Timestamp,
    /// The domains of its members' emails, in lower case; empty for any.
    pub email_domains: Vec<String>,
    /// In which wave of the settings migration it goes.
    pub wave: u32,
}
