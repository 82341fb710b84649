//! Old settings: bound to members, or waiting for one with their address (product.md 7.3).

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Email, MemberId,
    migration::{Holder, ImportPlan},
};

use crate::{
    ReadTx, Result, WriteTx,
    arrays::column,
    audit::{self, AuditEvent, Impact},
};

#[derive(QueryableByName)]
struct HolderRow {
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Nullable<Bool>)]
    legacy_email_export: Option<bool>,
}

/// Reads who holds each address: the active member, else the first inactive one who has it.
///
/// # Errors
/// A database that fails.
pub async fn list_holders(tx: &mut ReadTx, emails: &[&Email]) -> Result<HashMap<Email, Holder>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<HolderRow> = diesel::sql_query(include_str!("../sql/list_holders.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(emails, |email| email.as_str()))
        .load(conn)
        .await?;
    let holder = |row: HolderRow| {
        let holder = Holder { member: MemberId::trusted(row.id), legacy: row.legacy_email_export };
        (Email::trusted(row.email), holder)
    };
    Ok(rows.into_iter().map(holder).collect())
}

#[derive(QueryableByName)]
struct WaitingRow {
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Bool)]
    email_export: bool,
}

/// Reads which old settings wait for one of the addresses.
///
/// # Errors
/// A database that fails.
pub async fn list_waiting(tx: &mut ReadTx, emails: &[&Email]) -> Result<super::Waiting> {
    let (conn, organization) = tx.parts();
    let rows: Vec<WaitingRow> = diesel::sql_query(include_str!("../sql/list_waiting.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(emails, |email| email.as_str()))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|row| (Email::trusted(row.email), row.email_export)).collect())
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Integer)]
    count: i32,
}

/// How many old settings wait for a member.
///
/// # Errors
/// A database that fails.
pub async fn count_unmatched(tx: &mut ReadTx) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let sql = "SELECT count(*)::integer AS count FROM unmatched_legacy_settings WHERE organization_id = $1";
    let row: Count = diesel::sql_query(sql).bind::<Text, _>(organization).get_result(conn).await?;
    Ok(row.count.unsigned_abs())
}

/// Writes an import of old settings and returns the new revision.
///
/// # Errors
/// A database that fails; then nothing is written.
pub async fn apply_import(tx: &mut WriteTx, plan: &ImportPlan, event: AuditEvent) -> Result<i64> {
    let changed = set_legacy(tx, &plan.bound).await?;
    delete_waiting(tx, &plan.no_longer_waiting).await?;
    let now = tx.now();
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/upsert_waiting.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(&plan.unmatched, |(email, _)| email.as_str()))
        .bind::<Array<Bool>, _>(column(&plan.unmatched, |(_, export)| *export))
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    let members = u32::try_from(changed.len()).unwrap_or(u32::MAX);
    let impact = Impact { members, without_change: changed, ..Impact::default() };
    audit::finish_write(tx, &impact, event).await
}

/// Binds old settings that waited to the members who were synced with their address.
pub(crate) async fn bind_waiting(tx: &mut WriteTx, bindings: &[(MemberId, Email, bool)]) -> Result<()> {
    if bindings.is_empty() {
        return Ok(());
    }
    let settings: Vec<(MemberId, bool)> =
        bindings.iter().map(|(member, _, export)| (member.clone(), *export)).collect();
    let emails: Vec<Email> = bindings.iter().map(|(_, email, _)| email.clone()).collect();
    set_legacy(tx, &settings).await?;
    delete_waiting(tx, &emails).await
}

#[derive(QueryableByName)]
struct ChangedRow {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Returns the members whose old setting is another one than before.
async fn set_legacy(tx: &mut WriteTx, settings: &[(MemberId, bool)]) -> Result<Vec<MemberId>> {
    let revision = tx.next_revision();
    let now = tx.now();
    let (conn, organization) = tx.parts();
    let changed: Vec<ChangedRow> = diesel::sql_query(include_str!("../sql/update_legacy.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(settings, |(member, _)| member.as_str()))
        .bind::<Array<Bool>, _>(column(settings, |(_, export)| *export))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .load(conn)
        .await?;
    Ok(changed.into_iter().map(|row| MemberId::trusted(row.id)).collect())
}

async fn delete_waiting(tx: &mut WriteTx, emails: &[Email]) -> Result<()> {
    let (conn, organization) = tx.parts();
    diesel::sql_query("DELETE FROM unmatched_legacy_settings WHERE organization_id = $1 AND email = any($2)")
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(emails, Email::as_str))
        .execute(conn)
        .await?;
    Ok(())
}
