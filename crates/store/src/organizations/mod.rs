//! Organizations with their catalog.

mod catalog;
mod list;
mod write;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Organization, OrganizationId, Timestamp, directory::MassChangeLimit};
use uuid::Uuid;

pub use catalog::list_catalog_uses;
pub(crate) use catalog::update_catalog;
pub use list::{OrganizationView, list_ids_after, list_organizations};
pub(crate) use write::update_organization;
pub use write::{NewOrganization, create_organization, preview_organization};

use crate::{Error, Result, schema::organizations, words};

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct Row {
    id: String,
    uid: Uuid,
    display_name: String,
    phase: String,
    mass_change_members: i32,
    mass_change_percent: i32,
    catalog: serde_json::Value,
    catalog_revision: i64,
    revision: i64,
    updated_revision: i64,
    last_write_at: Timestamp,
    created_at: Timestamp,
    updated_at: Timestamp,
    email_domains: Vec<String>,
    wave: i32,
}

impl TryFrom<Row> for Organization {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let catalog = serde_json::from_value(row.catalog)
            .map_err(|error| Error::corrupt(format!("the catalog cannot be read: {error}")))?;
        Ok(Self {
            id: OrganizationId::trusted(row.id),
            uid: row.uid,
            display_name: row.display_name,
            phase: words::phase(&row.phase)?,
            mass_change_limit: MassChangeLimit {
                members: row.mass_change_members.unsigned_abs(),
                percent: row.mass_change_percent.unsigned_abs(),
            },
            catalog,
            catalog_revision: row.catalog_revision,
            revision: row.revision,
            updated_revision: row.updated_revision,
            last_write_at: row.last_write_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            email_domains: row.email_domains,
            wave: row.wave.unsigned_abs(),
        })
    }
}

pub(crate) async fn find_by_id(conn: &mut AsyncPgConnection, id: &OrganizationId) -> Result<Option<Organization>> {
    let row = organizations::table.find(id.as_str()).select(Row::as_select()).first(conn).await.optional()?;
    row.map(Organization::try_from).transpose()
}

/// None while another transaction works on the organization, which is never deleted.
pub(crate) async fn lock_by_id_if_free(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<Option<Organization>> {
    let found = organizations::table.find(id.as_str()).select(Row::as_select()).for_update().skip_locked();
    found.first(conn).await.optional()?.map(Organization::try_from).transpose()
}

pub(crate) async fn lock_by_id(conn: &mut AsyncPgConnection, id: &OrganizationId) -> Result<Option<Organization>> {
    let row =
        organizations::table.find(id.as_str()).select(Row::as_select()).for_update().first(conn).await.optional()?;
    row.map(Organization::try_from).transpose()
}
