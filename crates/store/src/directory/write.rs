//! Writing what a sync changes: groups, members and memberships, each in one set-based statement.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Email, MemberChange, MemberId,
    directory::{GroupUpsert, MemberUpsert, Membership},
};

use crate::{
    Result, WriteTx, arrays::column, db::Prepared, enum_columns::ExportColumns, members::settings::settings_uuid,
};

pub(crate) async fn upsert_groups(tx: &mut WriteTx, groups: &[GroupUpsert]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let (conn, organization) = tx.parts();
    let insert = diesel::sql_query(include_str!("../sql/upsert_groups.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(groups, |group| group.id.as_str()))
        .bind::<Array<Text>, _>(column(groups, |group| group.display_name.as_str()))
        .bind::<Array<Bool>, _>(column(groups, |group| group.present));
    Prepared(insert).execute(conn).await?;
    Ok(())
}

/// Frees the addresses that active members give up. One sync can pass addresses from member to member, even in a circle,
/// and the unique index checks each row as it is written, so this runs before the new addresses are written.
pub(crate) async fn free_addresses(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/free_addresses.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(members, |member| member.id.as_str()))
        .bind::<Array<Text>, _>(column(members, |member| member.identity.email.as_str()))
        .bind::<Array<Bool>, _>(column(members, |member| member.active))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn update_identities(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    diesel::sql_query(include_str!("../sql/update_identities.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(members, |member| member.id.as_str()))
        .bind::<Array<Text>, _>(column(members, |member| member.identity.email.as_str()))
        .bind::<Array<Text>, _>(column(members, |member| member.identity.given_name.as_str()))
        .bind::<Array<Text>, _>(column(members, |member| member.identity.family_name.as_str()))
        .bind::<Array<Text>, _>(column(members, |member| member.identity.job_title.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(members, |member| {
            member.identity.manager_email.as_ref().map(Email::as_str)
        }))
        .bind::<Array<Bool>, _>(column(members, |member| member.active))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts new members with the assignment that they enter, so that each row is written once.
pub(crate) async fn insert_members(
    tx: &mut WriteTx,
    members: &[&MemberUpsert],
    entering: &HashMap<&MemberId, &MemberChange>,
) -> Result<()> {
    let members: Vec<(&MemberUpsert, &MemberChange)> =
        members.iter().filter_map(|upsert| Some((*upsert, *entering.get(&upsert.id)?))).collect();
    if members.is_empty() {
        return Ok(());
    }
    let exports: Vec<_> = members.iter().map(|(_, change)| ExportColumns::of(Some(&change.after))).collect();
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    let insert = diesel::sql_query(include_str!("../sql/insert_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(column(&members, |(member, _)| member.id.as_str()))
        .bind::<Array<Text>, _>(column(&members, |(member, _)| member.identity.email.as_str()))
        .bind::<Array<Text>, _>(column(&members, |(member, _)| member.identity.given_name.as_str()))
        .bind::<Array<Text>, _>(column(&members, |(member, _)| member.identity.family_name.as_str()))
        .bind::<Array<Text>, _>(column(&members, |(member, _)| member.identity.job_title.as_str()))
        .bind::<Array<Nullable<Text>>, _>(column(&members, |(member, _)| {
            member.identity.manager_email.as_ref().map(Email::as_str)
        }))
        .bind::<Array<Bool>, _>(column(&members, |(member, _)| member.active))
        .bind::<Array<Text>, _>(column(&members, |(_, change)| change.after.assignment.as_str()))
        .bind::<Array<SqlUuid>, _>(column(&members, |(_, change)| settings_uuid(change.after.settings)))
        .bind::<Array<Nullable<Text>>, _>(column(&exports, ExportColumns::value))
        .bind::<Array<Nullable<Timestamptz>>, _>(column(&exports, |columns| columns.email_export_since))
        .bind::<Array<Nullable<Text>>, _>(column(&exports, ExportColumns::source))
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now);
    Prepared(insert).execute(conn).await?;
    Ok(())
}

pub(crate) async fn delete_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    write_memberships(tx, pairs, include_str!("../sql/delete_memberships.sql")).await
}

pub(crate) async fn insert_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    write_memberships(tx, pairs, include_str!("../sql/insert_memberships.sql")).await
}

async fn write_memberships(tx: &mut WriteTx, pairs: &[Membership], sql: &'static str) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let (members, groups): (Vec<&str>, Vec<&str>) =
        pairs.iter().map(|(member, group)| (member.as_str(), group.as_str())).unzip();
    let (conn, organization) = tx.parts();
    diesel::sql_query(sql)
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(members)
        .bind::<Array<Text>, _>(groups)
        .execute(conn)
        .await?;
    Ok(())
}
