//! A migrated organization of sixty members in eight groups. Most of its assignments are mixed without a
//! chosen value.

use rollcall_proto::v1::{
    Catalog, DataCapture, EmailExport, EmailExportState, GetCatalogRequest, ImportLegacySettingsRequest, LegacySetting,
    MemberStatus, PermissionProfile, Phase, SeatType, Settings, SyncDirectoryRequest, SyncMode, UpdateCatalogRequest,
    UpdateMode, Workspace, WorkspacePermission,
};
use rollcall_testkit::{Org, TestServer};

use super::syncs;

/// The id of the organization.
pub(crate) const ORGANIZATION: &str = "acme";

/// The initial number of members.
pub(crate) const MEMBERS: usize = 60;

/// The initial number of groups.
pub(crate) const GROUPS: usize = 8;

/// The initial listed assignments: id, groups, and whether the update mode is automatic.
const LIST: [(&str, &[&str], bool); 8] = [
    ("a0", &["g0"], true),
    ("a1", &["g1", "g0"], false),
    ("a2", &["g2"], true),
    ("a3", &["g3", "g1"], true),
    ("a4", &["g4"], false),
    ("a5", &["g5", "g2"], true),
    ("a6", &["g6"], false),
    ("a7", &["g7", "g3"], true),
];

/// The automatic assignments that are initially mixed without a chosen value.
pub(crate) const UNRESOLVED: [&str; 5] = ["a0", "a2", "a3", "a5", "a7"];

/// Returns the name of a resource of the organization.
pub(crate) fn name(collection: &str, id: &str) -> String {
    format!("organizations/{ORGANIZATION}/{collection}/{id}")
}

/// Returns the name of the organization.
pub(crate) fn parent() -> String {
    format!("organizations/{ORGANIZATION}")
}

/// Returns the id of an initial member.
pub(crate) fn member(number: usize) -> String {
    format!("m{number:02}")
}

/// Returns the initial groups of a member. Every tenth member has none.
pub(crate) fn groups_of(number: usize) -> Vec<String> {
    let mut groups = vec![number % GROUPS];
    if number.is_multiple_of(3) {
        groups.push((number * 3 + 1) % GROUPS);
    }
    groups.dedup();
    if number % 10 == 9 { Vec::new() } else { groups.iter().map(|group| format!("g{group}")).collect() }
}

/// Returns one of several bundles of settings.
pub(crate) fn settings(number: usize) -> Settings {
    let seats = [&["gong"][..], &["gong", "forecast"], &["engage"], &[], &["engage", "gong"]][number % 5];
    let permission = WorkspacePermission { workspace: "emea".to_owned(), profile: "seller".to_owned() };
    let in_emea = number.is_multiple_of(2);
    Settings {
        seats: seats.iter().map(|&seat| seat.to_owned()).collect(),
        home_workspace: if in_emea { Some("emea".to_owned()) } else { Some(String::new()) },
        permissions: if in_emea { vec![permission] } else { Vec::new() },
        data_capture: Some(DataCapture { emails_imported: Some(number.is_multiple_of(3)), ..Default::default() }),
    }
}

/// Creates and migrates the organization through the API.
pub(crate) async fn create_migrated(server: &TestServer) {
    let org = Org::create(server, ORGANIZATION, Phase::Legacy).await;
    update_catalog(server).await;
    sync(server, initial_directory()).await;
    for (number, (id, groups, automatic)) in LIST.into_iter().enumerate() {
        let mode = if automatic { UpdateMode::AutomaticUpdates } else { UpdateMode::ManualEditing };
        let mut request = org.new_assignment(id, groups, mode, None);
        request.assignment.as_mut().unwrap().settings = Some(settings(number));
        server.assignments().create_assignment(request).await.unwrap();
    }
    import(server).await;
    // This member takes over an unmatched legacy setting before the migration. Other unmatched settings remain.
    let late = syncs::row("late", syncs::email("late"), MemberStatus::Active);
    let delta = SyncDirectoryRequest {
        parent: parent(),
        mode: SyncMode::Delta.into(),
        members: vec![late],
        memberships: vec![syncs::membership("g0", "late")],
        ..Default::default()
    };
    sync(server, delta).await;
    assert_eq!(org.migrate().await.proof.unwrap().differences, 0);

    for id in UNRESOLVED {
        let summary = org.get_assignment(id).await.email_export_summary.unwrap();
        assert_eq!((summary.state(), summary.action_required), (EmailExportState::Mixed, true), "{id}");
    }
}

fn initial_directory() -> SyncDirectoryRequest {
    let status = |number| if number % 11 == 10 { MemberStatus::Inactive } else { MemberStatus::Active };
    let row = |number| syncs::row(&member(number), syncs::email(&member(number)), status(number));
    let memberships =
        |number| groups_of(number).into_iter().map(move |group| syncs::membership(&group, &member(number)));
    SyncDirectoryRequest {
        parent: parent(),
        mode: SyncMode::Full.into(),
        members: (0..MEMBERS).map(row).collect(),
        groups: (0..GROUPS).map(|group| syncs::group(&format!("g{group}"))).collect(),
        memberships: (0..MEMBERS).flat_map(memberships).collect(),
        ..Default::default()
    }
}

async fn sync(server: &TestServer, request: SyncDirectoryRequest) {
    let answer = server.directory().sync_directory(tokio_stream::once(request)).await.unwrap().into_inner();
    assert_eq!(answer.rejected_count, 0, "{answer:?}");
}

async fn update_catalog(server: &TestServer) {
    let name = format!("{}/catalog", parent());
    let request = GetCatalogRequest { name: name.clone(), ..Default::default() };
    let read = server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap();
    let seat = |seat: &str| SeatType { seat_type: seat.to_owned(), ..Default::default() };
    let profile = PermissionProfile { profile: "seller".to_owned(), ..Default::default() };
    let emea = Workspace { workspace: "emea".to_owned(), profiles: vec![profile], ..Default::default() };
    let catalog = Catalog {
        name,
        seat_types: ["gong", "forecast", "engage"].map(seat).to_vec(),
        workspaces: vec![emea],
        etag: read.etag,
    };
    let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
}

/// Imports legacy settings: four of nine members export, and every seventh member has no row.
async fn import(server: &TestServer) {
    let row = |id: &str, exports: bool| LegacySetting {
        email: syncs::email(id),
        email_export: if exports { EmailExport::Export } else { EmailExport::DoNotExport }.into(),
    };
    let known = (0..MEMBERS).filter(|number| number % 7 != 3).map(|number| row(&member(number), number % 9 < 4));
    let unknown = ["late", "x00-0", "x01-0"].map(|id| row(id, true));
    let settings = known.chain(unknown).collect();
    let request = ImportLegacySettingsRequest { parent: parent(), settings, ..Default::default() };
    server.migration().import_legacy_settings(tokio_stream::once(request)).await.unwrap();
}
