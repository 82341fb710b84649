//! Writing the changes of a sync: groups, members and memberships, each in one set-based statement.

use std::collections::HashMap;

use rollcall_domain::{
    Email, MemberChange, MemberId,
    directory::{GroupUpsert, MemberUpsert, Membership},
};

use crate::{
    Result, WriteTx, arrays::column, db::execute, enum_columns::ExportColumns, members::settings::settings_uuid,
};

pub(crate) async fn upsert_groups(tx: &mut WriteTx, groups: &[GroupUpsert]) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    execute!(
        tx,
        Prepared("upsert_groups"),
        column(groups, |group| group.id.as_str()),
        column(groups, |group| group.display_name.as_str()),
        column(groups, |group| group.present)
    )
    .await
}

/// Frees the addresses that active members give up. One sync can pass addresses from member to member, even in a circle,
/// and the unique index checks each row as it is written, so this runs before the new addresses are written.
pub(crate) async fn free_addresses(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    execute!(
        tx,
        "free_addresses",
        column(members, |member| member.id.as_str()),
        column(members, |member| member.identity.email.as_str()),
        column(members, |member| member.active)
    )
    .await
}

pub(crate) async fn update_identities(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    if members.is_empty() {
        return Ok(());
    }
    let (revision, now) = (tx.next_revision(), tx.now());
    execute!(
        tx,
        "update_identities",
        column(members, |member| member.id.as_str()),
        column(members, |member| member.identity.email.as_str()),
        column(members, |member| member.identity.given_name.as_str()),
        column(members, |member| member.identity.family_name.as_str()),
        column(members, |member| member.identity.job_title.as_str()),
        column(members, |member| member.identity.manager_email.as_ref().map(Email::as_str)),
        column(members, |member| member.active),
        revision,
        now
    )
    .await
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
    execute!(
        tx,
        Prepared("insert_members"),
        column(&members, |(member, _)| member.id.as_str()),
        column(&members, |(member, _)| member.identity.email.as_str()),
        column(&members, |(member, _)| member.identity.given_name.as_str()),
        column(&members, |(member, _)| member.identity.family_name.as_str()),
        column(&members, |(member, _)| member.identity.job_title.as_str()),
        column(&members, |(member, _)| member.identity.manager_email.as_ref().map(Email::as_str)),
        column(&members, |(member, _)| member.active),
        column(&members, |(_, change)| change.after.assignment.as_str()),
        column(&members, |(_, change)| settings_uuid(change.after.settings)),
        column(&exports, ExportColumns::value),
        column(&exports, |columns| columns.email_export_since),
        column(&exports, ExportColumns::source),
        revision,
        now
    )
    .await
}

pub(crate) async fn delete_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let members = column(pairs, |(member, _)| member.as_str());
    execute!(tx, "delete_memberships", members, column(pairs, |(_, group)| group.as_str())).await
}

pub(crate) async fn insert_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let members = column(pairs, |(member, _)| member.as_str());
    execute!(tx, "insert_memberships", members, column(pairs, |(_, group)| group.as_str())).await
}
