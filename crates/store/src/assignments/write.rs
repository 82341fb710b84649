//! Writing assignments, their groups, ranks and settings.

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{Assignment, AssignmentId, Organization, Settings, Timestamp, plan::SavedAssignment};
use uuid::Uuid;

use crate::{
    Error, Result, WriteTx,
    db::Prepared,
    members::settings::settings_uuid,
    schema::{assignment_groups, assignments},
};

/// The row of an assignment that is created or updated.
struct NewRow<'a> {
    assignment: &'a Assignment,
    uid: Uuid,
    rank: u32,
    revision: i64,
    now: Timestamp,
}

/// Creates or updates an assignment with its groups. An update leaves the uid and the rank as they are.
pub(crate) async fn save_assignment(tx: &mut WriteTx, saved: &SavedAssignment) -> Result<()> {
    let SavedAssignment { assignment, rank, new_uid, chooses: _ } = saved;
    let (uid, revision) = (new_uid.unwrap_or_default(), tx.next_revision());
    let row = NewRow { assignment, uid, rank: *rank, revision, now: tx.now() };
    let (conn, organization) = tx.parts();
    save(conn, organization, &row).await
}

/// Writes the default assignment of a new organization.
pub(crate) async fn insert_default(
    conn: &mut AsyncPgConnection,
    organization: &Organization,
    uid: Uuid,
    default: &Assignment,
) -> Result<()> {
    let id = organization.id.as_str();
    put_settings(conn, id, &default.settings).await?;
    let revision = organization.revision;
    save(conn, id, &NewRow { assignment: default, uid, rank: 1, revision, now: organization.created_at }).await
}

async fn save(conn: &mut AsyncPgConnection, organization: &str, row: &NewRow<'_>) -> Result<()> {
    let assignment = row.assignment;
    let insert = diesel::sql_query(include_str!("../sql/save_assignment.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(assignment.id.as_str())
        .bind::<SqlUuid, _>(row.uid)
        .bind::<Text, _>(&assignment.display_name)
        .bind::<Integer, _>(row.rank.cast_signed())
        .bind::<Text, _>(assignment.update_mode.as_str())
        .bind::<SqlUuid, _>(settings_uuid(assignment.settings.id()))
        .bind::<Nullable<Text>, _>(assignment.chosen.map(|chosen| chosen.as_str()))
        .bind::<BigInt, _>(row.revision)
        .bind::<Timestamptz, _>(row.now);
    Prepared(insert).execute(conn).await?;
    let groups: Vec<&str> = assignment.groups.iter().map(|group| group.as_str()).collect();
    let others = assignment_groups::table
        .filter(assignment_groups::organization_id.eq(organization))
        .filter(assignment_groups::assignment_id.eq(assignment.id.as_str()))
        .filter(assignment_groups::group_id.ne_all(&groups));
    diesel::delete(others).execute(conn).await?;
    if groups.is_empty() {
        return Ok(());
    }
    let insert = diesel::sql_query(include_str!("../sql/insert_assignment_groups.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(assignment.id.as_str())
        .bind::<Array<Text>, _>(groups);
    Prepared(insert).execute(conn).await?;
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

#[derive(QueryableByName)]
#[diesel(table_name = assignments, check_for_backend(Pg))]
struct RerankedRow {
    id: String,
}

/// Sets all ranks in one statement: the unique constraint is checked at its end. Returns the assignments whose rank
/// changed.
pub(crate) async fn update_ranks(tx: &mut WriteTx, ranks: &[(AssignmentId, u32)]) -> Result<Vec<AssignmentId>> {
    if ranks.is_empty() {
        return Ok(Vec::new());
    }
    let (ids, ranks): (Vec<&str>, Vec<i32>) = ranks.iter().map(|(id, rank)| (id.as_str(), rank.cast_signed())).unzip();
    let (conn, organization) = tx.parts();
    let reranked: Vec<RerankedRow> = diesel::sql_query(include_str!("../sql/update_ranks.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(ids)
        .bind::<Array<Integer>, _>(ranks)
        .load(conn)
        .await?;
    Ok(reranked.into_iter().map(|row| AssignmentId::trusted(row.id)).collect())
}

/// Inserts settings, unless they are stored already: settings with the same content have the same id.
pub(crate) async fn insert_settings(tx: &mut WriteTx, bundles: &[Settings]) -> Result<()> {
    for settings in bundles {
        let (conn, organization) = tx.parts();
        put_settings(conn, organization, settings).await?;
    }
    Ok(())
}

async fn put_settings(conn: &mut AsyncPgConnection, organization: &str, settings: &Settings) -> Result<()> {
    let permissions = serde_json::to_value(&settings.permissions).map_err(|e| Error::Internal(e.into()))?;
    let seats: Vec<&str> = settings.seats.iter().map(String::as_str).collect();
    let capture = settings.data_capture;
    let insert = diesel::sql_query(include_str!("../sql/insert_settings.sql"))
        .bind::<Text, _>(organization)
        .bind::<SqlUuid, _>(settings_uuid(settings.id()))
        .bind::<Array<Text>, _>(seats)
        .bind::<Nullable<Text>, _>(settings.home_workspace.as_deref())
        .bind::<Jsonb, _>(permissions)
        .bind::<Bool, _>(capture.web_conferences_recorded)
        .bind::<Bool, _>(capture.prevent_web_conference_recording)
        .bind::<Bool, _>(capture.telephony_calls_imported)
        .bind::<Bool, _>(capture.emails_imported)
        .bind::<Bool, _>(capture.prevent_email_import)
        .bind::<Bool, _>(capture.non_recorded_meetings_imported)
        .bind::<Bool, _>(capture.gong_connect_enabled);
    Prepared(insert).execute(conn).await?;
    Ok(())
}
