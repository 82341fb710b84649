//! Organizations and their catalogs.

#![allow(clippy::unwrap_used)]

mod catalog;
mod create;
mod list;
mod update;

use rollcall_proto::v1::{CreateOrganizationRequest, GetOrganizationRequest, Organization};

pub(crate) fn create(id: &str, organization: Organization) -> CreateOrganizationRequest {
    CreateOrganizationRequest { organization_id: id.to_owned(), organization: Some(organization), ..Default::default() }
}

pub(crate) fn get(name: &str, at_least_revision: &str) -> GetOrganizationRequest {
    GetOrganizationRequest { name: name.to_owned(), at_least_revision: at_least_revision.to_owned() }
}
