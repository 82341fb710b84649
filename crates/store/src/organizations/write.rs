//! Creating organizations and updating their own fields.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    Assignment, Organization, OrganizationId, Phase, Timestamp, catalog::Catalog, directory::MassChangeLimit,
};
use uuid::Uuid;

use crate::{
    Error, Result, WriteTx, assignments,
    audit::{self, AuditEvent},
    db::{SystemConn, clock, enter_organization, find_organization},
    schema::organizations,
};

/// The fields of a new organization.
#[derive(Clone, Debug)]
pub struct NewOrganization {
    /// The id.
    pub id: OrganizationId,
    /// An id that is never reused.
    pub uid: Uuid,
    /// The uid of the default assignment.
    pub default_uid: Uuid,
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
}

/// Creates an organization with its default assignment, at revision 1.
///
/// # Errors
/// [`Error::Exists`] when another organization has the id.
pub async fn create_organization(
    conn: &mut SystemConn,
    new: &NewOrganization,
    event: &AuditEvent,
) -> Result<Organization> {
    enter_organization(conn, new.id.as_str()).await?;
    let now = clock(conn).await?;
    insert(conn, new, now).await?;
    let organization =
        find_organization(conn, &new.id).await?.ok_or_else(|| Error::OrganizationNotFound(new.id.clone()))?;
    let default = Assignment::new_default(new.phase);
    assignments::insert_default(conn, &organization, new.default_uid, &default).await?;
    audit::insert_event(conn, &new.id, (organization.revision, now), event).await?;
    Ok(organization)
}

/// Returns the organization as [`create_organization`] would create it. Writes nothing.
///
/// # Errors
/// [`Error::Exists`] when another organization has the id.
pub async fn preview_organization(conn: &mut SystemConn, new: &NewOrganization) -> Result<Organization> {
    enter_organization(conn, new.id.as_str()).await?;
    if find_organization(conn, &new.id).await?.is_some() {
        return Err(Error::Exists { constraint: crate::ORGANIZATIONS_PKEY });
    }
    let now = clock(conn).await?;
    let NewOrganization { id, uid, display_name, phase, mass_change_limit, email_domains, wave, .. } = new.clone();
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
        email_domains,
        wave,
    })
}

async fn insert(conn: &mut AsyncPgConnection, new: &NewOrganization, now: Timestamp) -> Result<()> {
    let catalog = serde_json::to_value(Catalog::default()).map_err(|e| Error::Internal(e.into()))?;
    diesel::insert_into(organizations::table)
        .values((
            organizations::id.eq(new.id.as_str()),
            organizations::uid.eq(new.uid),
            organizations::display_name.eq(&new.display_name),
            organizations::phase.eq(new.phase.as_str()),
            organizations::mass_change_members.eq(new.mass_change_limit.members.cast_signed()),
            organizations::mass_change_percent.eq(new.mass_change_limit.percent.cast_signed()),
            organizations::catalog.eq(catalog),
            organizations::catalog_revision.eq(1),
            organizations::revision.eq(1),
            organizations::holdings_revision.eq(1),
            organizations::updated_revision.eq(1),
            organizations::last_write_at.eq(now),
            organizations::created_at.eq(now),
            organizations::updated_at.eq(now),
            organizations::email_domains.eq(&new.email_domains),
            organizations::wave.eq(new.wave.cast_signed()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Updates an organization's own fields, apart from its phase.
pub(crate) async fn update_organization(tx: &mut WriteTx, after: &Organization) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((
            organizations::display_name.eq(&after.display_name),
            organizations::mass_change_members.eq(after.mass_change_limit.members.cast_signed()),
            organizations::mass_change_percent.eq(after.mass_change_limit.percent.cast_signed()),
            organizations::email_domains.eq(&after.email_domains),
            organizations::wave.eq(after.wave.cast_signed()),
            organizations::updated_revision.eq(revision),
            organizations::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
