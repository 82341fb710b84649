//! Organizations and their catalogs.

mod catalog;
mod list;
mod write;

pub use catalog::list_catalog_uses;
pub(crate) use catalog::update_catalog;
pub use list::{find_unknown, list_ids_after, list_organizations};
pub(crate) use write::update_organization;
pub use write::{NewOrganization, create_organization, preview_organization};

pub use crate::db::OrganizationView;
