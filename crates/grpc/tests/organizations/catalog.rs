//! The catalog: the entries that settings can use (product.md 6).

use rollcall_proto::v1::{
    Assignment, Catalog, CreateAssignmentResponse, EmailExport, GetCatalogRequest, Member as MemberMessage,
    MoveMembersRequest, PermissionProfile, Phase, SeatType, Settings, UpdateAssignmentRequest, UpdateCatalogRequest,
    UpdateCatalogResponse, UpdateMemberSettingsRequest, UpdateMode, Workspace, WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer, difference as rows_differ, dump, refused};
use tonic::{Response, Status};

fn seat(id: &str, requires: &[&str]) -> SeatType {
    let requires = requires.iter().map(|&required| required.to_owned()).collect();
    SeatType { seat_type: id.to_owned(), display_name: id.to_uppercase(), requires, ..Default::default() }
}

fn workspace(id: &str, profiles: &[&str]) -> Workspace {
    let profile =
        |profile: &&str| PermissionProfile { profile: (*profile).to_owned(), display_name: profile.to_uppercase() };
    Workspace {
        workspace: id.to_owned(),
        display_name: id.to_uppercase(),
        profiles: profiles.iter().map(profile).collect(),
    }
}

/// Creates an organization with a member in `eng` and a catalog.
async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("m", &["eng"])]).await;
    replace(server, &org, catalog(), false).await.unwrap();
    org
}

fn catalog() -> Catalog {
    Catalog {
        seat_types: vec![seat("gong", &[]), seat("forecast", &["gong"])],
        workspaces: vec![workspace("hq", &["admin", "viewer"]), workspace("lab", &[])],
        ..Default::default()
    }
}

async fn read_catalog(server: &TestServer, org: &Org<'_>) -> Catalog {
    let request = GetCatalogRequest { name: format!("{}/catalog", org.name()), ..Default::default() };
    server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap()
}

/// Replaces the catalog with its current etag.
async fn replace(
    server: &TestServer,
    org: &Org<'_>,
    catalog: Catalog,
    validate_only: bool,
) -> Result<Response<UpdateCatalogResponse>, Status> {
    let Catalog { name, etag, .. } = read_catalog(server, org).await;
    let request =
        UpdateCatalogRequest { catalog: Some(Catalog { name, etag, ..catalog }), validate_only, ..Default::default() };
    server.organizations().update_catalog(request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalog_is_replaced_with_its_etag() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let empty = read_catalog(&server, &org).await;
    let name = "organizations/acme/catalog".to_owned();
    assert_eq!(empty, Catalog { name: name.clone(), etag: empty.etag.clone(), ..Default::default() });

    let previewed = replace(&server, &org, catalog(), true).await.unwrap().into_inner().catalog.unwrap();
    assert_eq!(previewed.seat_types, catalog().seat_types);
    assert_eq!(read_catalog(&server, &org).await, empty);
    let written = replace(&server, &org, catalog(), false).await.unwrap().into_inner().catalog.unwrap();
    assert_eq!(written, Catalog { name: name.clone(), etag: written.etag.clone(), ..catalog() });
    assert_eq!(read_catalog(&server, &org).await, written);
    let before = dump(&server.database, None).await;
    let again = replace(&server, &org, catalog(), false).await.unwrap().into_inner().catalog.unwrap();
    assert_eq!((again, rows_differ(&before, &dump(&server.database, None).await)), (written.clone(), None));

    let request = |etag: &str| {
        let catalog = Catalog { name: name.clone(), etag: etag.to_owned(), ..catalog() };
        UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() }
    };
    let call = refused(server.organizations().update_catalog(request(""))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST catalog.etag");
    let call = refused(server.organizations().update_catalog(request(&empty.etag))).await;
    let expected = format!("Aborted STALE_ETAG current_etag={} etag={} resource={name}", written.etag, empty.etag);
    assert_eq!(call, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_catalog_is_refused_with_all_violations() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let wrong = Catalog {
        seat_types: vec![seat("gong", &["nope"]), seat("Gong", &[]), seat("gong", &[])],
        workspaces: vec![workspace("hq", &["a", "a"]), workspace("hq", &[])],
        ..Default::default()
    };
    let fields = [
        "catalog.seat_types[1].seat_type",
        "catalog.seat_types[2].seat_type",
        "catalog.seat_types[0].requires",
        "catalog.workspaces[1].workspace",
        "catalog.workspaces[0].profiles[1].profile",
    ];
    let expected = format!("InvalidArgument INVALID_REQUEST {} seat_type=nope", fields.join(" "));
    assert_eq!(refused(replace(&server, &org, wrong, false)).await, expected);
    let counted = Catalog { seat_types: vec![SeatType { total: Some(-1), ..seat("gong", &[]) }], ..Default::default() };
    let expected = "InvalidArgument INVALID_REQUEST catalog.seat_types[0].total";
    assert_eq!(refused(replace(&server, &org, counted, false)).await, expected);
}

/// Creates the manual assignment `a` with a seat, a home workspace and a profile in `hq`.
async fn assign(
    server: &TestServer,
    org: &Org<'_>,
    (seat, home, profile): (&str, &str, &str),
) -> Result<Response<CreateAssignmentResponse>, Status> {
    let mut request = org.new_assignment("a", &["eng"], UpdateMode::ManualEditing, Some(EmailExport::Export));
    request.assignment.as_mut().unwrap().settings = Some(settings(seat, home, profile));
    server.assignments().create_assignment(request).await
}

fn settings(seat: &str, home: &str, profile: &str) -> Settings {
    let permission = WorkspacePermission { workspace: "hq".to_owned(), profile: profile.to_owned() };
    Settings {
        seats: vec![seat.to_owned()],
        home_workspace: Some(home.to_owned()),
        permissions: vec![permission],
        data_capture: rollcall_testkit::no_settings().data_capture,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_can_use_only_catalog_entries() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let cases = [
        (("moon", "lab", "admin"), "UNKNOWN_SEAT_TYPE assignment.settings.seats seat_type=moon"),
        (
            ("forecast", "lab", "admin"),
            "SEAT_PREREQUISITE_MISSING assignment.settings.seats requires=gong seat_type=forecast",
        ),
        (
            ("gong", "moon", "admin"),
            "UNKNOWN_PERMISSION_PROFILE assignment.settings.home_workspace profile= workspace=moon",
        ),
        (
            ("gong", "lab", "king"),
            "UNKNOWN_PERMISSION_PROFILE assignment.settings.permissions profile=king workspace=hq",
        ),
    ];
    for (choice, expected) in cases {
        assert_eq!(refused(assign(&server, &org, choice)).await, format!("InvalidArgument {expected}"));
    }
    let created = assign(&server, &org, ("gong", "lab", "admin")).await.unwrap().into_inner();
    assert_eq!(created.assignment.unwrap().settings, Some(settings("gong", "lab", "admin")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_in_use_cannot_be_removed() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let check = async |assignments: u32, members: u32| {
        let cases = [
            ("profile viewer of workspace hq", vec![workspace("hq", &["admin"]), workspace("lab", &[])], true),
            ("workspace hq", vec![workspace("lab", &[])], true),
            ("seat type gong", catalog().workspaces, false),
        ];
        for (entry, workspaces, seats) in cases {
            let seat_types = if seats { catalog().seat_types } else { Vec::new() };
            let call = replace(&server, &org, Catalog { seat_types, workspaces, ..Default::default() }, true);
            if (assignments, members) == (0, 0) {
                call.await.unwrap();
                continue;
            }
            let expected = format!("assignments={assignments} entry={entry} members={members}");
            assert_eq!(refused(call).await, format!("FailedPrecondition CATALOG_ENTRY_IN_USE {expected}"));
        }
    };
    check(0, 0).await;
    assign(&server, &org, ("gong", "hq", "viewer")).await.unwrap();
    check(1, 1).await;
    let to = |assignment: &str| {
        let (members, assignment) = (vec![org.member("m")], org.assignment(assignment));
        MoveMembersRequest { parent: org.name(), members, assignment, ..Default::default() }
    };
    server.members().move_members(to("default")).await.unwrap();
    check(1, 0).await;
    // With manual editing, members keep entries that the assignment no longer has.
    server.members().move_members(to("a")).await.unwrap();
    let update_mask = Some(prost_types::FieldMask { paths: vec!["settings".to_owned()] });
    let assignment = Some(Assignment { name: org.assignment("a"), ..Default::default() });
    let request = UpdateAssignmentRequest { assignment, update_mask: update_mask.clone(), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    check(0, 1).await;
    let member = Some(MemberMessage { name: org.member("m"), ..Default::default() });
    let request = UpdateMemberSettingsRequest { member, update_mask, ..Default::default() };
    server.members().update_member_settings(request).await.unwrap();
    check(0, 0).await;
}
