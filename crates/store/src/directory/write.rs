//! Writing the changes of a sync: groups, members and memberships, each in set-based statements of a slice of the rows.

use std::collections::HashMap;

use rollcall_domain::{
    Email, MemberChange, MemberId,
    directory::{GroupUpsert, MemberUpsert, Membership},
};

use crate::{
    Result, WriteTx,
    arrays::{column, slices},
    db::execute,
    enum_columns::ExportColumns,
    members::settings::settings_uuid,
};

pub(crate) async fn upsert_groups(tx: &mut WriteTx, groups: &[GroupUpsert]) -> Result<()> {
    for slice in slices(groups) {
        execute!(
            tx,
            Prepared("upsert_groups"),
            column(slice, |group| group.id.as_str()),
            column(slice, |group| group.display_name.as_str()),
            column(slice, |group| group.present)
        )
        .await?;
    }
    Ok(())
}

/// Frees the addresses that active members give up. One sync can pass addresses from member to member, even in a circle,
/// and the unique index checks each row as it is written, so this runs for all members before the first new address is
/// written.
pub(crate) async fn free_addresses(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    for slice in slices(members) {
        execute!(
            tx,
            "free_addresses",
            column(slice, |member| member.id.as_str()),
            column(slice, |member| member.identity.email.as_str()),
            column(slice, |member| member.active)
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn update_identities(tx: &mut WriteTx, members: &[&MemberUpsert]) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(members) {
        execute!(
            tx,
            "update_identities",
            column(slice, |member| member.id.as_str()),
            column(slice, |member| member.identity.email.as_str()),
            column(slice, |member| member.identity.given_name.as_str()),
            column(slice, |member| member.identity.family_name.as_str()),
            column(slice, |member| member.identity.job_title.as_str()),
            column(slice, |member| member.identity.manager_email.as_ref().map(Email::as_str)),
            column(slice, |member| member.active),
            revision,
            now
        )
        .await?;
    }
    Ok(())
}

/// Inserts new members with the assignment that they enter, so that each row is written once.
pub(crate) async fn insert_members(
    tx: &mut WriteTx,
    members: &[&MemberUpsert],
    entering: &HashMap<&MemberId, &MemberChange>,
) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(members) {
        let slice: Vec<(&MemberUpsert, &MemberChange)> =
            slice.iter().filter_map(|upsert| Some((*upsert, *entering.get(&upsert.id)?))).collect();
        let exports: Vec<_> = slice.iter().map(|(_, change)| ExportColumns::of(Some(&change.after))).collect();
        execute!(
            tx,
            Prepared("insert_members"),
            column(&slice, |(member, _)| member.id.as_str()),
            column(&slice, |(member, _)| member.identity.email.as_str()),
            column(&slice, |(member, _)| member.identity.given_name.as_str()),
            column(&slice, |(member, _)| member.identity.family_name.as_str()),
            column(&slice, |(member, _)| member.identity.job_title.as_str()),
            column(&slice, |(member, _)| member.identity.manager_email.as_ref().map(Email::as_str)),
            column(&slice, |(member, _)| member.active),
            column(&slice, |(_, change)| change.after.assignment.as_str()),
            column(&slice, |(_, change)| settings_uuid(change.after.settings)),
            column(&exports, ExportColumns::value),
            column(&exports, |columns| columns.email_export_since),
            column(&exports, ExportColumns::source),
            revision,
            now
        )
        .await?;
    }
    Ok(())
}

pub(crate) async fn delete_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    for slice in slices(pairs) {
        let members = column(slice, |(member, _)| member.as_str());
        execute!(tx, "delete_memberships", members, column(slice, |(_, group)| group.as_str())).await?;
    }
    Ok(())
}

pub(crate) async fn insert_memberships(tx: &mut WriteTx, pairs: &[Membership]) -> Result<()> {
    for slice in slices(pairs) {
        let members = column(slice, |(member, _)| member.as_str());
        execute!(tx, "insert_memberships", members, column(slice, |(_, group)| group.as_str())).await?;
    }
    Ok(())
}
