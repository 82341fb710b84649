//! Old settings: bound to members, or unmatched until a member with their address is synced (product.md 7.3).

use std::collections::HashMap;

use diesel::{
    prelude::*,
    sql_types::{Array, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Email, MemberId,
    migration::{AddressHolder, ImportPlan},
};

use crate::{
    ReadTx, Result, WriteTx,
    arrays::{column, slices},
    audit::{self, AuditEvent, Impact},
    db::{execute, load},
    domain_columns::IdRow,
    schema::{members, unmatched_legacy_settings},
};

#[derive(QueryableByName)]
#[diesel(table_name = members)]
struct AddressHolderRow {
    email: String,
    id: String,
    legacy_email_export: Option<bool>,
}

/// Reads the member who holds each address: the active member, else the inactive member who had the
/// address last.
pub async fn list_address_holders(tx: &mut ReadTx, emails: &[&Email]) -> Result<HashMap<Email, AddressHolder>> {
    let holder = |row: AddressHolderRow| {
        let holder = AddressHolder { member: MemberId::trusted(row.id), legacy: row.legacy_email_export };
        (Email::trusted(row.email), holder)
    };
    let mut holders = HashMap::new();
    for slice in slices(emails) {
        let rows: Vec<AddressHolderRow> =
            load!(tx, "list_address_holders", column(slice, |email| email.as_str())).await?;
        holders.extend(rows.into_iter().map(holder));
    }
    Ok(holders)
}

#[derive(QueryableByName)]
#[diesel(table_name = unmatched_legacy_settings)]
struct UnmatchedRow {
    email: String,
    email_export: bool,
}

/// Reads the old settings that wait for a member with one of the addresses.
pub async fn list_unmatched(tx: &mut ReadTx, emails: &[&Email]) -> Result<HashMap<Email, bool>> {
    let mut unmatched = HashMap::new();
    for slice in slices(emails) {
        let rows: Vec<UnmatchedRow> = load!(tx, "list_unmatched", column(slice, |email| email.as_str())).await?;
        unmatched.extend(rows.into_iter().map(|row| (Email::trusted(row.email), row.email_export)));
    }
    Ok(unmatched)
}

/// Returns how many old settings wait for a member with their address.
pub async fn count_unmatched(tx: &mut ReadTx) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let unmatched =
        unmatched_legacy_settings::table.filter(unmatched_legacy_settings::organization_id.eq(organization));
    let count: i64 = unmatched.count().get_result(conn).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Writes an import of old settings and returns the new revision.
pub async fn apply_import(tx: &mut WriteTx, plan: &ImportPlan, event: AuditEvent) -> Result<i64> {
    let changed = update_legacy(tx, &plan.bound).await?;
    delete_unmatched(tx, &plan.newly_matched).await?;
    upsert_unmatched(tx, &plan.unmatched).await?;
    let members = u32::try_from(changed.len()).unwrap_or(u32::MAX);
    let impact = Impact { members, without_change: changed, ..Impact::default() };
    audit::finish_write(tx, &impact, event).await
}

/// Binds unmatched settings to the members who were synced with their address.
pub(crate) async fn bind_unmatched(tx: &mut WriteTx, bindings: &[(MemberId, Email, bool)]) -> Result<()> {
    if bindings.is_empty() {
        return Ok(());
    }
    let settings: Vec<(MemberId, bool)> =
        bindings.iter().map(|(member, _, export)| (member.clone(), *export)).collect();
    let emails: Vec<Email> = bindings.iter().map(|(_, email, _)| email.clone()).collect();
    update_legacy(tx, &settings).await?;
    delete_unmatched(tx, &emails).await
}

/// Binds old settings to members, and returns the members whose old setting changed.
async fn update_legacy(tx: &mut WriteTx, settings: &[(MemberId, bool)]) -> Result<Vec<MemberId>> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let mut members = Vec::new();
    for slice in slices(settings) {
        let changed: Vec<IdRow> = load!(
            tx,
            "update_legacy",
            column(slice, |(member, _)| member.as_str()),
            column(slice, |(_, export)| *export),
            revision,
            now
        )
        .await?;
        members.extend(changed.into_iter().map(|row| MemberId::trusted(row.id)));
    }
    Ok(members)
}

async fn upsert_unmatched(tx: &mut WriteTx, settings: &[(Email, bool)]) -> Result<()> {
    let now = tx.now();
    for slice in slices(settings) {
        execute!(
            tx,
            "upsert_unmatched",
            column(slice, |(email, _)| email.as_str()),
            column(slice, |(_, export)| *export),
            now
        )
        .await?;
    }
    Ok(())
}

async fn delete_unmatched(tx: &mut WriteTx, emails: &[Email]) -> Result<()> {
    for slice in slices(emails) {
        let (conn, organization) = tx.parts();
        diesel::sql_query("DELETE FROM unmatched_legacy_settings WHERE organization_id = $1 AND email = any($2)")
            .bind::<Text, _>(organization)
            .bind::<Array<Text>, _>(column(slice, Email::as_str))
            .execute(conn)
            .await?;
    }
    Ok(())
}
