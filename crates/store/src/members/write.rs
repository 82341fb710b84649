//! Writing what a plan does to members: one statement each for all of them.

use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rollcall_domain::{MemberChange, MemberId, plan::Pins};

use crate::{Result, WriteTx, words};

/// Writes what members have afterwards, and how it came to that.
pub(crate) async fn update_members(tx: &mut WriteTx, changes: &[&MemberChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let (revision, now) = (tx.next_revision(), tx.now());
    let after: Vec<_> = changes.iter().map(|change| words::export_words(Some(&change.after))).collect();
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/update_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(changes, |change| change.member.as_str()))
        .bind::<Array<Text>, _>(column(changes, |change| change.after.assignment.as_str()))
        .bind::<Array<SqlUuid>, _>(column(changes, |change| words::settings_uuid(change.after.settings)))
        .bind::<Array<Nullable<Text>>, _>(column(&after, |words| words.value))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&after, |words| words.since))
        .bind::<Array<Nullable<Text>>, _>(column(&after, |words| words.source))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps what changed for members (product.md 4.9).
pub(crate) async fn insert_changes(tx: &mut WriteTx, changes: &[MemberChange]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let revision = tx.next_revision();
    let before: Vec<_> = changes.iter().map(|change| words::export_words(change.before.as_ref())).collect();
    let after: Vec<_> = changes.iter().map(|change| words::export_words(Some(&change.after))).collect();
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/insert_member_changes.sql"))
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(revision)
        .bind::<Array<Text>, _>(column(changes, |change| change.member.as_str()))
        .bind::<Array<Text>, _>(column(changes, |change| words::cause_word(change.cause)))
        .bind::<Array<Nullable<Text>>, _>(column(changes, |change| {
            change.before.as_ref().map(|held| held.assignment.as_str())
        }))
        .bind::<Array<Text>, _>(column(changes, |change| change.after.assignment.as_str()))
        .bind::<Array<Nullable<SqlUuid>>, _>(column(changes, |change| {
            change.before.as_ref().map(|held| words::settings_uuid(held.settings))
        }))
        .bind::<Array<SqlUuid>, _>(column(changes, |change| words::settings_uuid(change.after.settings)))
        .bind::<Array<Nullable<Text>>, _>(column(&before, |words| words.value))
        .bind::<Array<Nullable<Text>>, _>(column(&after, |words| words.value))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&before, |words| words.since))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&after, |words| words.since))
        .bind::<Array<Nullable<Text>>, _>(column(&before, |words| words.source))
        .bind::<Array<Nullable<Text>>, _>(column(&after, |words| words.source))
        .execute(conn)
        .await?;
    Ok(())
}

/// Pins members to an assignment. A pin that a member has already is replaced.
pub(crate) async fn upsert_pins(tx: &mut WriteTx, pins: &Pins, actor: &str) -> Result<()> {
    let Pins { assignment, members, reason } = pins;
    let now = tx.now();
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/upsert_pins.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(members, MemberId::as_str))
        .bind::<Text, _>(assignment.as_str())
        .bind::<Text, _>(actor)
        .bind::<Text, _>(reason)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    touch(tx, members).await
}

/// Takes members' pins away.
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

/// Pins and groups are part of what is shown of a member: they change the etag.
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

/// One column of rows, as an array to be unnested.
pub(crate) fn column<'a, R, V>(rows: &'a [R], value: impl Fn(&'a R) -> V) -> Vec<V> {
    rows.iter().map(value).collect()
}

/// So many more rows make no plan bad that was good before.
pub(crate) const FEW: usize = 100;

/// Postgres keeps the plans by which a connection checks foreign keys. One that was made while the tables were nearly
/// empty reads them from end to end, for each row that refers to them: a first sync of 20,000 members would take hours.
pub(crate) async fn forget_plans(tx: &mut WriteTx) -> Result<()> {
    let (conn, _) = tx.parts();
    diesel::sql_query("DISCARD PLANS").execute(conn).await?;
    Ok(())
}
