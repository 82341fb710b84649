//! What is shown of organizations, one or all of them.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{OrganizationId, Phase, Timestamp, directory::MassChangeLimit};
use uuid::Uuid;

use super::Organization;
use crate::{Db, Result, db::SystemConn, enum_columns::EnumColumn, schema::organizations};

/// An organization without its catalog, which is asked for on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationView {
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
    /// The domains of its members' emails, in lower case; empty for any.
    pub email_domains: Vec<String>,
    /// In which wave of the settings migration it goes.
    pub wave: u32,
    /// The revision that last changed its own fields.
    pub updated_revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its own fields last changed.
    pub updated_at: Timestamp,
}

impl From<Organization> for OrganizationView {
    fn from(organization: Organization) -> Self {
        Self {
            id: organization.id,
            uid: organization.uid,
            display_name: organization.display_name,
            phase: organization.phase,
            mass_change_limit: organization.mass_change_limit,
            email_domains: organization.email_domains,
            wave: organization.wave,
            updated_revision: organization.updated_revision,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = organizations, check_for_backend(diesel::pg::Pg))]
struct ViewRow {
    id: String,
    uid: Uuid,
    display_name: String,
    phase: EnumColumn<Phase>,
    mass_change_members: i32,
    mass_change_percent: i32,
    email_domains: Vec<String>,
    wave: i32,
    updated_revision: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ViewRow> for OrganizationView {
    fn from(row: ViewRow) -> Self {
        Self {
            id: OrganizationId::trusted(row.id),
            uid: row.uid,
            display_name: row.display_name,
            phase: row.phase.0,
            mass_change_limit: MassChangeLimit {
                members: row.mass_change_members.unsigned_abs(),
                percent: row.mass_change_percent.unsigned_abs(),
            },
            email_domains: row.email_domains,
            wave: row.wave.unsigned_abs(),
            updated_revision: row.updated_revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// Reads up to `limit` organizations after one, in byte order of their ids.
///
/// # Errors
/// A database that fails.
pub async fn list_organizations(db: &Db, after: Option<&str>, limit: u32) -> Result<Vec<OrganizationView>> {
    db.system("list_organizations", async |conn: &mut SystemConn| {
        let query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(ViewRow::as_select())
            .order(organizations::id)
            .limit(i64::from(limit));
        let rows: Vec<ViewRow> = query.load(conn).await?;
        Ok(rows.into_iter().map(OrganizationView::from).collect())
    })
    .await
}

/// The ids of all organizations after one, in byte order: what spans organizations goes through
/// them one by one.
///
/// # Errors
/// A database that fails.
pub async fn list_ids_after(db: &Db, after: Option<&str>, limit: i64) -> Result<Vec<OrganizationId>> {
    db.system("list_organization_ids", async |conn: &mut SystemConn| {
        let query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(organizations::id)
            .order(organizations::id)
            .limit(limit);
        let ids: Vec<String> = query.load(conn).await?;
        Ok(ids.into_iter().map(OrganizationId::trusted).collect())
    })
    .await
}
