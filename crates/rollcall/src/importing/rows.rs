//! A folder's rows as the API takes them, in messages of 500.

use rollcall_proto::v1::{
    self, DirectoryGroup, DirectoryMember, EmailExport, ImportLegacySettingsRequest, MemberStatus, SeatType, Settings,
    SyncDirectoryRequest, SyncMode,
};

use super::ids::resource;
use crate::folder::{Assignment, Folder, LegacySetting, Member, Membership, UpdateMode};

const BATCH: usize = 500;

/// The whole directory: options first, then rows. Where it is only checked, however many it would change.
pub(super) fn directory(folder: &Folder, validate_only: bool) -> Vec<SyncDirectoryRequest> {
    let options = SyncDirectoryRequest {
        parent: format!("organizations/{}", folder.organization),
        mode: SyncMode::Full.into(),
        validate_only,
        allow_mass_change: validate_only,
        ..Default::default()
    };
    let members = folder
        .members
        .chunks(BATCH)
        .map(|rows| SyncDirectoryRequest { members: rows.iter().map(member).collect(), ..Default::default() });
    let groups = folder.groups.chunks(BATCH).map(|rows| SyncDirectoryRequest {
        groups: rows.iter().map(|group| named_group(group)).collect(),
        ..Default::default()
    });
    let memberships = folder
        .memberships
        .chunks(BATCH)
        .map(|rows| SyncDirectoryRequest { memberships: rows.iter().map(membership).collect(), ..Default::default() });
    [options].into_iter().chain(members).chain(groups).chain(memberships).collect()
}

/// All old settings: options first, then rows.
pub(super) fn legacy_settings(folder: &Folder) -> Vec<ImportLegacySettingsRequest> {
    let options =
        ImportLegacySettingsRequest { parent: format!("organizations/{}", folder.organization), ..Default::default() };
    let rows = folder.legacy_settings.chunks(BATCH).map(|rows| ImportLegacySettingsRequest {
        settings: rows.iter().map(legacy_setting).collect(),
        ..Default::default()
    });
    [options].into_iter().chain(rows).collect()
}

/// An assignment of an organization in phase LEGACY, which has no email export setting.
pub(super) fn assignment(parent: &str, assignment: &Assignment) -> v1::Assignment {
    let update_mode = match assignment.update_mode {
        UpdateMode::ManualEditing => v1::UpdateMode::ManualEditing,
        UpdateMode::AutomaticUpdates => v1::UpdateMode::AutomaticUpdates,
    };
    v1::Assignment {
        display_name: assignment.name.clone(),
        groups: assignment.groups.iter().map(|group| resource(parent, "groups", group)).collect(),
        update_mode: update_mode.into(),
        settings: Some(Settings { seats: assignment.seats.clone(), ..Default::default() }),
        ..Default::default()
    }
}

pub(super) fn seat_type(id: &str) -> SeatType {
    SeatType { seat_type: id.to_owned(), ..Default::default() }
}

fn member(row: &Member) -> DirectoryMember {
    let status = if row.active { MemberStatus::Active } else { MemberStatus::Inactive };
    DirectoryMember {
        member: row.member.clone(),
        email: row.email.clone(),
        given_name: row.given_name.clone(),
        family_name: row.family_name.clone(),
        job_title: row.job_title.clone(),
        manager_email: row.manager_email.clone(),
        status: status.into(),
    }
}

fn named_group(id: &str) -> DirectoryGroup {
    DirectoryGroup { group: id.to_owned(), display_name: id.to_owned() }
}

fn membership(row: &Membership) -> v1::Membership {
    v1::Membership { group: row.group.clone(), member: row.member.clone() }
}

fn legacy_setting(row: &LegacySetting) -> v1::LegacySetting {
    let email_export = if row.export { EmailExport::Export } else { EmailExport::DoNotExport };
    v1::LegacySetting { email: row.email.clone(), email_export: email_export.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_batches_after_the_options() {
        let mut folder = Folder::sample().unwrap();
        let (members, groups) = (folder.members.len(), folder.groups.len());
        let many = |number: usize| Membership { group: "sales".to_owned(), member: format!("m{number}") };
        folder.memberships = (0..=2 * BATCH).map(many).collect();
        let messages = directory(&folder, false);
        assert_eq!(messages[0].parent, "organizations/acme");
        assert!(messages[1..].iter().all(|message| message.parent.is_empty() && message.mode == 0));
        assert_eq!(messages.iter().map(|message| message.members.len()).sum::<usize>(), members);
        assert_eq!(messages.iter().map(|message| message.groups.len()).sum::<usize>(), groups);
        let sizes: Vec<usize> = messages[3..].iter().map(|message| message.memberships.len()).collect();
        assert_eq!(sizes, [BATCH, BATCH, 1]);
    }
}
