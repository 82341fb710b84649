//! The requests of an import: an organization's folder as messages of the API.

use rollcall_proto::v1::{
    self, DirectoryGroup, DirectoryMember, EmailExport, ImportLegacySettingsRequest, MemberStatus, Settings,
    SyncDirectoryRequest, SyncMode,
};

use super::ids::resource_name;
use crate::folder::{
    FolderAssignment, FolderLegacySetting, FolderMember, FolderMembership, FolderUpdateMode, OrganizationFolder,
};

/// Rows in one message.
pub const BATCH_ROWS: usize = 500;

/// Returns the messages of a full sync: first the options, then the rows. With `validate_only` a mass change is
/// allowed, because the server only reports it.
#[must_use]
pub fn directory(folder: &OrganizationFolder, validate_only: bool) -> Vec<SyncDirectoryRequest> {
    let options = SyncDirectoryRequest {
        parent: folder.name(),
        mode: SyncMode::Full.into(),
        validate_only,
        allow_mass_change: validate_only,
        ..Default::default()
    };
    let members = folder.members.chunks(BATCH_ROWS);
    let members =
        members.map(|rows| SyncDirectoryRequest { members: rows.iter().map(member).collect(), ..Default::default() });
    let groups = folder.groups.chunks(BATCH_ROWS);
    let groups = groups
        .map(|rows| SyncDirectoryRequest { groups: rows.iter().map(|id| group(id)).collect(), ..Default::default() });
    let memberships = folder
        .memberships
        .chunks(BATCH_ROWS)
        .map(|rows| SyncDirectoryRequest { memberships: rows.iter().map(membership).collect(), ..Default::default() });
    [options].into_iter().chain(members).chain(groups).chain(memberships).collect()
}

/// Returns the messages that import the old settings: first the options, then the rows.
pub(super) fn legacy_settings(folder: &OrganizationFolder) -> Vec<ImportLegacySettingsRequest> {
    let options = ImportLegacySettingsRequest { parent: folder.name(), ..Default::default() };
    let rows = folder.legacy_settings.chunks(BATCH_ROWS).map(|rows| ImportLegacySettingsRequest {
        settings: rows.iter().map(legacy_setting).collect(),
        ..Default::default()
    });
    [options].into_iter().chain(rows).collect()
}

/// Returns an assignment without an email export setting, because the organization is in phase LEGACY.
pub(super) fn assignment(parent: &str, assignment: &FolderAssignment) -> v1::Assignment {
    let update_mode = match assignment.update_mode {
        FolderUpdateMode::ManualEditing => v1::UpdateMode::ManualEditing,
        FolderUpdateMode::AutomaticUpdates => v1::UpdateMode::AutomaticUpdates,
    };
    v1::Assignment {
        display_name: assignment.name.clone(),
        groups: assignment.groups.iter().map(|group| resource_name(parent, "groups", group)).collect(),
        update_mode: update_mode.into(),
        settings: Some(Settings { seats: assignment.seats.clone(), ..Default::default() }),
        ..Default::default()
    }
}

fn member(row: &FolderMember) -> DirectoryMember {
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

fn group(id: &str) -> DirectoryGroup {
    DirectoryGroup { group: id.to_owned(), display_name: id.to_owned() }
}

fn membership(row: &FolderMembership) -> v1::Membership {
    v1::Membership { group: row.group.clone(), member: row.member.clone() }
}

fn legacy_setting(row: &FolderLegacySetting) -> v1::LegacySetting {
    let email_export = if row.export { EmailExport::Export } else { EmailExport::DoNotExport };
    v1::LegacySetting { email: row.email.clone(), email_export: email_export.into() }
}
