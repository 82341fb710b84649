//! The organization resource, and listing organizations.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{Organization, OrganizationId, Phase, Timestamp, directory::MassChangeLimit};
use uuid::Uuid;

use crate::{Db, Result, db::SystemConn, enum_columns::EnumColumn, schema::organizations};

/// An organization without its catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationView {
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
    /// The allowed domains of member emails, in lower case; empty for any domain.
    pub email_domains: Vec<String>,
    /// The wave of the settings migration.
    pub wave: u32,
    /// The revision that last changed the organization's own fields.
    pub updated_revision: i64,
    /// When the organization was created.
    pub created_at: Timestamp,
    /// When the organization's own fields last changed.
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
struct OrganizationViewRow {
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

impl From<OrganizationViewRow> for OrganizationView {
    fn from(row: OrganizationViewRow) -> Self {
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

/// Reads up to `limit` organizations after the id `after`, in byte order of their ids.
pub async fn list_organizations(db: &Db, after: Option<&str>, limit: u32) -> Result<Vec<OrganizationView>> {
    db.system("list_organizations", async |conn: &mut SystemConn| {
        let query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(OrganizationViewRow::as_select())
            .order(organizations::id)
            .limit(i64::from(limit));
        let rows: Vec<OrganizationViewRow> = query.load(conn).await?;
        Ok(rows.into_iter().map(OrganizationView::from).collect())
    })
    .await
}

/// Reads up to `limit` organization ids after the id `after`, in byte order: jobs go through the organizations one by one.
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
