//! Organizations with their catalog.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Assignment, OrganizationId, Phase, Timestamp, catalog::Catalog, directory::MassChangeLimit};
use uuid::Uuid;

use crate::{
    Db, Error, Result, WriteTx, assignments,
    audit::AuditEvent,
    changes,
    db::{SystemConn, clock},
    schema::organizations,
    tx::ReadTx,
    words,
};

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
}

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
        })
    }
}

pub(crate) async fn find_by_id(conn: &mut AsyncPgConnection, id: &OrganizationId) -> Result<Option<Organization>> {
    let row = organizations::table.find(id.as_str()).select(Row::as_select()).first(conn).await.optional()?;
    row.map(Organization::try_from).transpose()
}

pub(crate) async fn lock_by_id(conn: &mut AsyncPgConnection, id: &OrganizationId) -> Result<Option<Organization>> {
    let row =
        organizations::table.find(id.as_str()).select(Row::as_select()).for_update().first(conn).await.optional()?;
    row.map(Organization::try_from).transpose()
}

/// What a new organization starts with.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Never used again.
    pub uid: Uuid,
    /// The uid of its default assignment.
    pub default_uid: Uuid,
    /// As people write it.
    pub display_name: String,
    /// Who decides about email export.
    pub phase: Phase,
    /// What a sync may do without being asked twice.
    pub mass_change_limit: MassChangeLimit,
}

/// Creates an organization with its default assignment, under revision 1.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn create_organization(db: &Db, new: &NewOrganization, event: AuditEvent) -> Result<Organization> {
    db.system("create_organization", async |conn: &mut SystemConn| create(conn, new, &event).await).await
}

/// Answers the organization as it would be created, and creates nothing.
///
/// # Errors
/// [`Error::Exists`] when the id is taken.
pub async fn preview_organization(db: &Db, new: &NewOrganization) -> Result<Organization> {
    let now = db
        .system("preview_organization", async |conn: &mut SystemConn| match find_by_id(conn, &new.id).await? {
            Some(_) => Err(Error::Exists { constraint: crate::ORGANIZATIONS_PKEY }),
            None => clock(conn).await,
        })
        .await?;
    let NewOrganization { id, uid, display_name, phase, mass_change_limit, .. } = new.clone();
    Ok(Organization {
        id,
        uid,
        display_name,
        phase,
        mass_change_limit,
        catalog: Catalog::default(),
        catalog_revision: 1,
        revision: 1,
        updated_revision: 1,
        last_write_at: now,
        created_at: now,
        updated_at: now,
    })
}

async fn create(conn: &mut SystemConn, new: &NewOrganization, event: &AuditEvent) -> Result<Organization> {
    let now = clock(conn).await?;
    insert(conn, new, now).await?;
    let organization = find_by_id(conn, &new.id).await?.ok_or_else(|| Error::OrganizationNotFound(new.id.clone()))?;
    let default = Assignment::new_default(new.phase);
    assignments::insert_default(conn, &organization, new.default_uid, &default).await?;
    crate::audit::insert_event(conn, &new.id, organization.revision, now, 0, event).await?;
    Ok(organization)
}

async fn insert(conn: &mut AsyncPgConnection, new: &NewOrganization, now: Timestamp) -> Result<()> {
    let catalog = serde_json::to_value(Catalog::default()).map_err(|e| Error::Internal(e.into()))?;
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(new.id.as_str()),
            organizations::uid.eq(new.uid),
            organizations::display_name.eq(&new.display_name),
            organizations::phase.eq(words::phase_word(new.phase)),
            organizations::mass_change_members.eq(new.mass_change_limit.members.cast_signed()),
            organizations::mass_change_percent.eq(new.mass_change_limit.percent.cast_signed()),
            organizations::catalog.eq(catalog),
            organizations::catalog_revision.eq(1),
            organizations::revision.eq(1),
            organizations::updated_revision.eq(1),
            organizations::last_write_at.eq(now),
            organizations::created_at.eq(now),
            organizations::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Replaces the catalog.
///
/// # Errors
/// A database that fails.
pub async fn update_catalog(tx: &mut WriteTx, catalog: &Catalog, event: AuditEvent) -> Result<i64> {
    let document = serde_json::to_value(catalog).map_err(|e| Error::Internal(e.into()))?;
    let revision = tx.next_revision();
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((organizations::catalog.eq(document), organizations::catalog_revision.eq(revision)))
        .execute(conn)
        .await?;
    changes::finish(tx, 0, event).await
}

/// The ids of all organizations after one, in byte order: what spans organizations goes through
/// them one by one.
///
/// # Errors
/// A database that fails.
pub async fn list_ids_after(
    db: &Db,
    after: Option<&str>,
    phase: Option<Phase>,
    limit: i64,
) -> Result<Vec<OrganizationId>> {
    db.system("list_organizations", async |conn: &mut SystemConn| {
        let mut query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(organizations::id)
            .order(organizations::id)
            .limit(limit)
            .into_boxed();
        if let Some(phase) = phase {
            query = query.filter(organizations::phase.eq(words::phase_word(phase)));
        }
        let ids: Vec<String> = query.load(conn).await?;
        Ok(ids.into_iter().map(OrganizationId::trusted).collect())
    })
    .await
}

/// How many assignments and members have an entry of the catalog that would go.
///
/// # Errors
/// A database that fails.
pub async fn count_catalog_uses(tx: &mut ReadTx, entry: &CatalogEntry) -> Result<(u32, u32)> {
    let (seat, workspace, profile) = match entry {
        CatalogEntry::SeatType(seat) => (Some(seat.as_str()), None, None),
        CatalogEntry::Workspace(workspace) => (None, Some(workspace.as_str()), None),
        CatalogEntry::Profile(workspace, profile) => (None, Some(workspace.as_str()), Some(profile.as_str())),
    };
    let (conn, organization) = tx.parts();
    let uses: Uses = diesel::sql_query(include_str!("sql/count_catalog_uses.sql"))
        .bind::<diesel::sql_types::Text, _>(organization)
        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(seat)
        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(workspace)
        .bind::<diesel::sql_types::Nullable<diesel::sql_types::Text>, _>(profile)
        .get_result(conn)
        .await?;
    Ok((uses.assignments.unsigned_abs(), uses.members.unsigned_abs()))
}

/// An entry of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogEntry {
    /// A seat type by id.
    SeatType(String),
    /// A workspace by id.
    Workspace(String),
    /// A profile by workspace and id.
    Profile(String, String),
}

#[derive(QueryableByName)]
struct Uses {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    assignments: i32,
    #[diesel(sql_type = diesel::sql_types::Integer)]
    members: i32,
}
