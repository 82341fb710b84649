//! Writing what a plan does to members: each kind of change is one statement for all members.

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rollcall_domain::{MemberChange, MemberId, plan::Pins};

use super::settings::settings_uuid;
use crate::{Result, WriteTx, arrays::column, db::Prepared, enum_columns::ExportColumns};

/// Writes what members have after a plan.
pub(crate) async fn update_members(tx: &mut WriteTx, changes: &[&MemberChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let (revision, now) = (tx.next_revision(), tx.now());
    let after: Vec<_> = changes.iter().map(|change| ExportColumns::of(Some(&change.after))).collect();
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/update_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(changes, |change| change.member.as_str()))
        .bind::<Array<Text>, _>(column(changes, |change| change.after.assignment.as_str()))
        .bind::<Array<SqlUuid>, _>(column(changes, |change| settings_uuid(change.after.settings)))
        .bind::<Array<Nullable<Text>>, _>(column(&after, ExportColumns::value))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&after, |columns| columns.email_export_since))
        .bind::<Array<Nullable<Text>>, _>(column(&after, ExportColumns::source))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts the history of what a plan changes for members (product.md 4.9).
pub(crate) async fn insert_changes(tx: &mut WriteTx, changes: &[MemberChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let revision = tx.next_revision();
    let before: Vec<_> = changes.iter().map(|change| ExportColumns::of(change.before.as_ref())).collect();
    let after: Vec<_> = changes.iter().map(|change| ExportColumns::of(Some(&change.after))).collect();
    let (conn, organization) = tx.parts();
    let insert = diesel::sql_query(include_str!("../sql/insert_member_changes.sql"))
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(revision)
        .bind::<Array<Text>, _>(column(changes, |change| change.member.as_str()))
        .bind::<Array<Text>, _>(column(changes, |change| change.cause.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(changes, |change| {
            change.before.as_ref().map(|held| held.assignment.as_str())
        }))
        .bind::<Array<Text>, _>(column(changes, |change| change.after.assignment.as_str()))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(changes, |change| {
            change.before.as_ref().map(|held| settings_uuid(held.settings))
        }))
        .bind::<Array<SqlUuid>, _>(column(changes, |change| settings_uuid(change.after.settings)))
        .bind::<Array<Nullable<Text>>, _>(column(&before, ExportColumns::value))
        .bind::<Array<Nullable<Text>>, _>(column(&after, ExportColumns::value))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&before, |columns| columns.email_export_since))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&after, |columns| columns.email_export_since))
        .bind::<Array<Nullable<Text>>, _>(column(&before, ExportColumns::source))
        .bind::<Array<Nullable<Text>>, _>(column(&after, ExportColumns::source));
    Prepared(insert).execute(conn).await?;
    Ok(())
}

/// Pins members to an assignment and replaces their former pins.
pub(crate) async fn upsert_pins(tx: &mut WriteTx, pins: &Pins, actor: &str) -> Result<()> {
    let Pins { assignment, members, reason } = pins;
    let now = tx.now();
    let (conn, organization) = tx.parts();
    let insert = diesel::sql_query(include_str!("../sql/upsert_pins.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(members, MemberId::as_str))
        .bind::<Text, _>(assignment.as_str())
        .bind::<Text, _>(actor)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now);
    Prepared(insert).execute(conn).await?;
    touch(tx, members).await
}

/// Deletes the pins of members.
pub(crate) async fn delete_pins(tx: &mut WriteTx, members: &[MemberId]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let (conn, organization) = tx.parts();
    diesel::sql_query("DELETE FROM pins WHERE organization_id = $1 AND member_id = any($2)")
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(members, MemberId::as_str))
        .execute(conn)
        .await?;
    touch(tx, members).await
}

/// Sets the revision of members whose own row does not change otherwise. Their pins, groups and held seats are part of
/// the resource, so they change its etag.
pub(crate) async fn touch(tx: &mut WriteTx, members: &[MemberId]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    diesel::sql_query(
        "UPDATE members SET updated_revision = $3, updated_at = $4 WHERE organization_id = $1 AND id = any($2)",
    )
    .bind::<Text, _>(organization)
    .bind::<Array<Text>, _>(column(members, MemberId::as_str))
    .bind::<BigInt, _>(revision)
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}
