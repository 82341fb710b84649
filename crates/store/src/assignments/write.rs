//! Writing assignments, their groups, ranks and settings.

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Assignment, AssignmentId, Organization, Settings, Timestamp};
use uuid::Uuid;

use crate::{
    Error, Result, WriteTx,
    db::{load, statement},
    domain_columns::IdRow,
    members::settings::settings_uuid,
    schema::{assignment_groups, assignments},
};

/// An assignment to be written. An update leaves the uid and the rank as they are stored.
pub(crate) struct WrittenAssignment<'a> {
    pub(crate) assignment: &'a Assignment,
    pub(crate) uid: Uuid,
    pub(crate) rank: u32,
    pub(crate) revision: i64,
    pub(crate) now: Timestamp,
}

/// Writes the default assignment of a new organization.
pub(crate) async fn insert_default(
    conn: &mut AsyncPgConnection,
    organization: &Organization,
    uid: Uuid,
    default: &Assignment,
) -> Result<()> {
    let id = organization.id.as_str();
    insert_settings(conn, id, &default.settings).await?;
    let (revision, now) = (organization.revision, organization.created_at);
    save_assignment(conn, id, &WrittenAssignment { assignment: default, uid, rank: 1, revision, now }).await
}

/// Creates or updates an assignment with its groups.
pub(crate) async fn save_assignment(
    conn: &mut AsyncPgConnection,
    organization: &str,
    row: &WrittenAssignment<'_>,
) -> Result<()> {
    let assignment = row.assignment;
    statement!(
        Prepared("save_assignment"),
        organization,
        assignment.id.as_str(),
        row.uid,
        &assignment.display_name,
        row.rank.cast_signed(),
        assignment.update_mode.as_str(),
        settings_uuid(assignment.settings.id()),
        assignment.chosen.map(|chosen| chosen.as_str()),
        row.revision,
        row.now
    )
    .execute(conn)
    .await?;
    let groups: Vec<&str> = assignment.groups.iter().map(|group| group.as_str()).collect();
    let others = assignment_groups::table
        .filter(assignment_groups::organization_id.eq(organization))
        .filter(assignment_groups::assignment_id.eq(assignment.id.as_str()))
        .filter(assignment_groups::group_id.ne_all(&groups));
    diesel::delete(others).execute(conn).await?;
    if groups.is_empty() {
        return Ok(());
    }
    let insert = statement!(Prepared("insert_assignment_groups"), organization, assignment.id.as_str(), groups);
    insert.execute(conn).await?;
    Ok(())
}

/// Deletes an assignment that has no members and no pins.
pub(crate) async fn delete_assignment(tx: &mut WriteTx, id: &AssignmentId) -> Result<()> {
    let (conn, organization) = tx.parts();
    let its_groups = assignment_groups::table
        .filter(assignment_groups::organization_id.eq(organization))
        .filter(assignment_groups::assignment_id.eq(id.as_str()));
    diesel::delete(its_groups).execute(conn).await?;
    diesel::delete(assignments::table.find((organization, id.as_str()))).execute(conn).await?;
    Ok(())
}

/// Sets all ranks in one statement: the unique constraint is checked at its end. Returns the assignments whose rank
/// changed.
pub(crate) async fn update_ranks(tx: &mut WriteTx, ranks: &[(AssignmentId, u32)]) -> Result<Vec<AssignmentId>> {
    if ranks.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, ranks): (Vec<&str>, Vec<i32>) = ranks.iter().map(|(id, rank)| (id.as_str(), rank.cast_signed())).unzip();
    let reranked: Vec<IdRow> = load!(tx, "update_ranks", ids, ranks).await?;
    Ok(reranked.into_iter().map(|row| AssignmentId::trusted(row.id)).collect())
}

/// Inserts settings, unless they are stored already: settings with the same content have the same id.
pub(crate) async fn insert_settings(
    conn: &mut AsyncPgConnection,
    organization: &str,
    settings: &Settings,
) -> Result<()> {
    let permissions = serde_json::to_value(&settings.permissions).map_err(|e| Error::Internal(e.into()))?;
    let seats: Vec<&str> = settings.seats.iter().map(String::as_str).collect();
    let capture = settings.data_capture;
    statement!(
        Prepared("insert_settings"),
        organization,
        settings_uuid(settings.id()),
        seats,
        settings.home_workspace.as_deref(),
        permissions,
        capture.web_conferences_recorded,
        capture.prevent_web_conference_recording,
        capture.telephony_calls_imported,
        capture.emails_imported,
        capture.prevent_email_import,
        capture.non_recorded_meetings_imported,
        capture.gong_connect_enabled
    )
    .execute(conn)
    .await?;
    Ok(())
}
