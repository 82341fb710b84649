//! Organizations for the kill tests, created through the API.

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, CreateOrganizationRequest, DataCapture, DirectoryGroup, DirectoryMember,
    EmailExport, ImportLegacySettingsRequest, LegacySetting, MemberStatus, Membership, Organization, Phase, Settings,
    SyncDirectoryRequest, SyncMode, UpdateMode,
};

use super::kill_server::Server;

/// A member of a generated directory.
pub(crate) struct Person {
    /// The number that determines all fields.
    pub(crate) number: usize,
    /// The given name.
    pub(crate) name: String,
    /// The numbers of the groups.
    pub(crate) groups: Vec<usize>,
    /// Whether the member is active.
    pub(crate) active: bool,
}

/// Returns the external id of a member.
pub(crate) fn member(number: usize) -> String {
    format!("m{number:04}")
}

/// Returns the external id of a group.
pub(crate) fn group(number: usize) -> String {
    format!("g{number:02}")
}

fn email(number: usize) -> String {
    format!("{}@example.com", member(number))
}

/// Returns the request of a full sync of these members and their groups.
pub(crate) fn full_sync(organization: &str, people: &[Person]) -> SyncDirectoryRequest {
    let status = |active: bool| if active { MemberStatus::Active } else { MemberStatus::Inactive };
    let row = |person: &Person| DirectoryMember {
        member: member(person.number),
        email: email(person.number),
        given_name: person.name.clone(),
        status: status(person.active).into(),
        ..Default::default()
    };
    let mut groups: Vec<usize> = people.iter().flat_map(|person| &person.groups).copied().collect();
    groups.sort_unstable();
    groups.dedup();
    let groups = groups.into_iter().map(|number| DirectoryGroup { group: group(number), ..Default::default() });
    let memberships = people.iter().flat_map(|person| {
        let membership = |number: &usize| Membership { group: group(*number), member: member(person.number) };
        person.groups.iter().map(membership)
    });
    SyncDirectoryRequest {
        parent: format!("organizations/{organization}"),
        mode: SyncMode::Full.into(),
        allow_mass_change: true,
        members: people.iter().map(row).collect(),
        groups: groups.collect(),
        memberships: memberships.collect(),
        ..Default::default()
    }
}

/// An assignment to be created.
pub(crate) struct NewAssignment {
    /// The id, which is also the name.
    pub(crate) id: String,
    /// The numbers of the groups.
    pub(crate) groups: Vec<usize>,
    /// Whether the update mode is automatic.
    pub(crate) automatic: bool,
    /// The chosen value, in phase MIGRATED.
    pub(crate) export: Option<EmailExport>,
}

/// Creates an organization with its groups, assignments and members.
pub(crate) async fn organization(
    server: &Server,
    id: &str,
    phase: Phase,
    people: &[Person],
    assignments: &[NewAssignment],
) {
    let request = CreateOrganizationRequest {
        organization_id: id.to_owned(),
        organization: Some(Organization { phase: phase.into(), ..Default::default() }),
        ..Default::default()
    };
    server.organizations().create_organization(request).await.unwrap();
    let everything = full_sync(id, people);
    let groups = SyncDirectoryRequest { members: Vec::new(), memberships: Vec::new(), ..everything.clone() };
    sync(server, groups).await;
    for (rank, new) in assignments.iter().enumerate() {
        server.assignments().create_assignment(create(id, rank, new)).await.unwrap();
    }
    sync(server, everything).await;
}

async fn sync(server: &Server, request: SyncDirectoryRequest) {
    let synced = server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
    assert_eq!(synced.into_inner().rejected_count, 0);
}

fn create(organization: &str, rank: usize, new: &NewAssignment) -> CreateAssignmentRequest {
    let mode = if new.automatic { UpdateMode::AutomaticUpdates } else { UpdateMode::ManualEditing };
    // Neighbours have different settings, so that a member who changes assignment also changes settings.
    let capture = DataCapture {
        web_conferences_recorded: Some(rank.is_multiple_of(2)),
        emails_imported: Some(rank.is_multiple_of(3)),
        ..Default::default()
    };
    let assignment = Assignment {
        display_name: new.id.clone(),
        groups: new.groups.iter().map(|number| group_name(organization, *number)).collect(),
        update_mode: mode.into(),
        settings: Some(Settings { data_capture: Some(capture), ..Default::default() }),
        email_export: new.export.unwrap_or_default().into(),
        ..Default::default()
    };
    CreateAssignmentRequest {
        parent: format!("organizations/{organization}"),
        assignment_id: new.id.clone(),
        assignment: Some(assignment),
        ..Default::default()
    }
}

/// Returns the name of a group.
pub(crate) fn group_name(organization: &str, number: usize) -> String {
    format!("organizations/{organization}/groups/{}", group(number))
}

/// Imports legacy settings, also for members who do not exist yet: every third does not export, and every fifth has
/// none.
pub(crate) async fn import(server: &Server, organization: &str, numbers: std::ops::Range<usize>) {
    let value = |number: usize| match number % 3 {
        0 => EmailExport::DoNotExport,
        _ => EmailExport::Export,
    };
    let row = |number: usize| LegacySetting { email: email(number), email_export: value(number).into() };
    let request = ImportLegacySettingsRequest {
        parent: format!("organizations/{organization}"),
        settings: numbers.filter(|number| !number.is_multiple_of(5)).map(row).collect(),
        ..Default::default()
    };
    let imported = server.migration().import_legacy_settings(tokio_stream::once(request)).await.unwrap();
    assert_eq!(imported.into_inner().rejected_count, 0);
}
