//! The organization's row, which every transaction of an organization reads or locks first.

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Organization, OrganizationId, Phase, Timestamp, directory::MassChangeLimit};
use uuid::Uuid;

use super::Prepared;
use crate::{Error, Result, enum_columns::EnumColumn, schema::organizations};

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
struct OrganizationRow {
    id: String,
    uid: Uuid,
    display_name: String,
    phase: EnumColumn<Phase>,
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

impl TryFrom<OrganizationRow> for Organization {
    type Error = Error;

    fn try_from(row: OrganizationRow) -> Result<Self> {
        let catalog = serde_json::from_value(row.catalog)
            .map_err(|error| Error::corrupt(format!("the catalog cannot be read: {error}")))?;
        Ok(Self {
            id: OrganizationId::trusted(row.id),
            uid: row.uid,
            display_name: row.display_name,
            phase: row.phase.0,
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

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(embed)]
    organization: OrganizationRow,
    #[diesel(sql_type = Timestamptz)]
    locked_at: Timestamp,
}

/// Reads an organization, if there is one with this id.
pub(crate) async fn find_organization(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<Option<Organization>> {
    let query = organizations::table.find(id.as_str()).select(OrganizationRow::as_select());
    query.first(conn).await.optional()?.map(Organization::try_from).transpose()
}

/// Locks an organization. Returns it with the time of the database's clock after the lock.
pub(super) async fn lock_organization(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<Option<(Organization, Timestamp)>> {
    lock_with(conn, id, include_str!("../sql/lock_organization.sql")).await
}

/// Like [`lock_organization`], but returns `None` while another transaction holds the lock. Organizations are never
/// deleted, so `None` has no other meaning for the id of a known organization.
pub(super) async fn lock_organization_if_free(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<Option<(Organization, Timestamp)>> {
    lock_with(conn, id, include_str!("../sql/lock_organization_if_free.sql")).await
}

async fn lock_with(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
    sql: &'static str,
) -> Result<Option<(Organization, Timestamp)>> {
    let query = Prepared(diesel::sql_query(sql).bind::<Text, _>(id.as_str()));
    let row: Option<LockedRow> = query.get_result(conn).await.optional()?;
    row.map(|row| Ok((row.organization.try_into()?, row.locked_at))).transpose()
}
