//! The organization's row, which every transaction of an organization reads or locks first.

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Organization, OrganizationId, Phase, Timestamp, directory::MassChangeLimit};
use uuid::Uuid;

use super::statement;
use crate::{
    Error, Result, address_holdings,
    domain_columns::{CountColumn, IdColumn},
    enum_columns::EnumColumn,
    schema::organizations,
};

/// An organization without its catalog.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
pub struct OrganizationView {
    /// The id.
    #[diesel(deserialize_as = IdColumn)]
    pub id: OrganizationId,
    /// An id that is never reused.
    pub uid: Uuid,
    /// The display name.
    pub display_name: String,
    /// Whether the old settings or the assignments decide about email export.
    #[diesel(deserialize_as = EnumColumn<Phase>)]
    pub phase: Phase,
    /// The number of members that a sync may change without `allow_mass_change`.
    #[diesel(deserialize_as = CountColumn)]
    pub mass_change_members: u32,
    /// The percentage of members that a sync may change without `allow_mass_change`.
    #[diesel(deserialize_as = CountColumn)]
    pub mass_change_percent: u32,
    /// The allowed domains of member emails, in lower case; empty for any domain.
    pub email_domains: Vec<String>,
    /// The wave of the settings migration.
    #[diesel(deserialize_as = CountColumn)]
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
            mass_change_members: organization.mass_change_limit.members,
            mass_change_percent: organization.mass_change_limit.percent,
            email_domains: organization.email_domains,
            wave: organization.wave,
            updated_revision: organization.updated_revision,
            created_at: organization.created_at,
            updated_at: organization.updated_at,
        }
    }
}

#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = organizations, check_for_backend(Pg))]
struct OrganizationRow {
    #[diesel(embed)]
    view: OrganizationView,
    catalog: serde_json::Value,
    catalog_revision: i64,
    revision: i64,
    last_write_at: Timestamp,
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = Error;

    fn try_from(row: OrganizationRow) -> Result<Self> {
        let catalog = serde_json::from_value(row.catalog)
            .map_err(|error| Error::corrupt(format!("the catalog cannot be read: {error}")))?;
        let view = row.view;
        Ok(Self {
            id: view.id,
            uid: view.uid,
            display_name: view.display_name,
            phase: view.phase,
            mass_change_limit: MassChangeLimit { members: view.mass_change_members, percent: view.mass_change_percent },
            catalog,
            catalog_revision: row.catalog_revision,
            revision: row.revision,
            updated_revision: view.updated_revision,
            last_write_at: row.last_write_at,
            created_at: view.created_at,
            updated_at: view.updated_at,
            email_domains: view.email_domains,
            wave: view.wave,
        })
    }
}

#[derive(QueryableByName)]
struct LockedRow {
    #[diesel(embed)]
    organization: OrganizationRow,
    #[diesel(sql_type = BigInt)]
    holdings_revision: i64,
    #[diesel(sql_type = Timestamptz)]
    locked_at: Timestamp,
}

impl LockedRow {
    /// Returns the locked organization with the time of the lock. Fills in the address holdings that an older release
    /// has not written.
    async fn complete(self, conn: &mut AsyncPgConnection) -> Result<(Organization, Timestamp)> {
        let organization = Organization::try_from(self.organization)?;
        if self.holdings_revision != organization.revision {
            address_holdings::fill(conn, &organization.id, self.holdings_revision, organization.revision).await?;
        }
        Ok((organization, self.locked_at))
    }
}

/// Reads an organization, if there is one with this id.
pub(crate) async fn find_organization(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<Option<Organization>> {
    let query = organizations::table.find(id.as_str()).select(OrganizationRow::as_select());
    let found = query.first(conn).await.optional().map_err(Error::of_statement("find_organization"))?;
    found.map(Organization::try_from).transpose()
}

/// Locks an organization without waiting. Returns it with the time of the database's clock after the lock.
///
/// # Errors
/// [`Error::Busy`] while another transaction holds the lock, and [`Error::OrganizationNotFound`].
pub(super) async fn lock_organization(
    conn: &mut AsyncPgConnection,
    id: &OrganizationId,
) -> Result<(Organization, Timestamp)> {
    let query = statement!(Prepared("lock_organization"), id.as_str());
    let row: Option<LockedRow> =
        query.get_result(conn).await.optional().map_err(Error::of_statement("lock_organization"))?;
    match row {
        Some(row) => row.complete(conn).await,
        None if find_organization(conn, id).await?.is_some() => Err(Error::Busy),
        None => Err(Error::OrganizationNotFound(id.clone())),
    }
}
