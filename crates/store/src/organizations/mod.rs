//! Organizations and their catalogs.

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
    /// The id.
    pub id: OrganizationId,
    /// An id that is never reused.
    pub uid: Uuid,
    /// The display name.
    pub display_name: String,
    /// Whether the old settings or the assignments decide about email export.
    pub phase: Phase,
    /// The changes that a sync may make without `allow_mass_change`.
    pub mass_change_limit: MassChangeLimit,
    /// The seat types and workspaces that assignments can choose from.
    pub catalog: Catalog,
    /// The revision that last changed the catalog.
    pub catalog_revision: i64,
    /// The newest revision.
    pub revision: i64,
    /// The revision that last changed the organization's own fields.
    pub updated_revision: i64,
    /// When the organization was last written.
    pub last_write_at: Timestamp,
    /// When the organization was created.
    pub created_at: Timestamp,
    /// When the organization's own fields last changed.
    pub updated_at: Timestamp,
    /// The allowed domains of member emails, in lower case; empty for any domain.
    pub email_domains: Vec<String>,
    /// The wave of the settings migration.
    pub wave: u32,
}
