//! Writing the changes of members: each kind of change is one statement for a slice of the
//! members.

use diesel::sql_types::{Array, BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use rollcall_domain::{MemberChange, MemberId, plan::Pins};

use super::settings::settings_uuid;
use crate::{
    Result, WriteTx,
    arrays::{column, slices},
    db::execute,
    enum_columns::ExportColumns,
};

/// Writes the assignment and settings of members after a plan.
pub(crate) async fn update_members(tx: &mut WriteTx, changes: &[&MemberChange]) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(changes) {
        let after: Vec<_> = slice.iter().map(|change| ExportColumns::of(Some(&change.after))).collect();
        execute!(
            tx,
            "update_members",
            column(slice, |change| change.member.as_str()),
            column(slice, |change| change.after.assignment.as_str()),
            column(slice, |change| settings_uuid(change.after.settings)),
            column(&after, ExportColumns::value),
            column(&after, |columns| columns.email_export_since),
            column(&after, ExportColumns::source),
            revision,
            now
        )
        .await?;
    }
    Ok(())
}

/// Inserts the history of what a plan changes for members (product.md 4.9).
pub(crate) async fn insert_changes(tx: &mut WriteTx, changes: &[MemberChange]) -> Result<()> {
    let revision = tx.next_revision();
    for slice in slices(changes) {
        let before: Vec<_> = slice.iter().map(|change| ExportColumns::of(change.before.as_ref())).collect();
        let after: Vec<_> = slice.iter().map(|change| ExportColumns::of(Some(&change.after))).collect();
        execute!(
            tx,
            Prepared("insert_member_changes"),
            revision,
            column(slice, |change| change.member.as_str()),
            column(slice, |change| change.cause.as_str()),
            column(slice, |change| { change.before.as_ref().map(|held| held.assignment.as_str()) }),
            column(slice, |change| change.after.assignment.as_str()),
            column(slice, |change| { change.before.as_ref().map(|held| settings_uuid(held.settings)) }),
            column(slice, |change| settings_uuid(change.after.settings)),
            column(&before, ExportColumns::value),
            column(&after, ExportColumns::value),
            column(&before, |columns| columns.email_export_since),
            column(&after, |columns| columns.email_export_since),
            column(&before, ExportColumns::source),
            column(&after, ExportColumns::source)
        )
        .await?;
    }
    Ok(())
}

/// Pins members to an assignment and replaces their former pins.
pub(crate) async fn upsert_pins(tx: &mut WriteTx, pins: &Pins, actor: &str) -> Result<()> {
    let Pins { assignment, members, reason } = pins;
    let now = tx.now();
    for slice in slices(members) {
        let members = column(slice, MemberId::as_str);
        execute!(tx, Prepared("upsert_pins"), members, assignment.as_str(), actor, reason, now).await?;
    }
    touch(tx, members).await
}

/// Deletes the pins of members.
pub(crate) async fn delete_pins(tx: &mut WriteTx, members: &[MemberId]) -> Result<()> {
    for slice in slices(members) {
        let (conn, organization) = tx.parts();
        diesel::sql_query("DELETE FROM pins WHERE organization_id = $1 AND member_id = any($2)")
            .bind::<Text, _>(organization)
            .bind::<Array<Text>, _>(column(slice, MemberId::as_str))
            .execute(conn)
            .await?;
    }
    touch(tx, members).await
}

/// Sets the revision of members whose own row does not change otherwise. Their pins, groups and held seats are part of
/// the resource, so they change its etag.
pub(crate) async fn touch(tx: &mut WriteTx, members: &[MemberId]) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(members) {
        let (conn, organization) = tx.parts();
        diesel::sql_query(
            "UPDATE members SET updated_revision = $3, updated_at = $4 WHERE organization_id = $1 AND id = any($2)",
        )
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(slice, MemberId::as_str))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    }
    Ok(())
}
