//! Organizations and their catalogs: ids, phases, the default assignment, and what assignments
//! can choose from (product.md 2.3, 6, 7.1).

#![allow(clippy::unwrap_used)]

use rollcall_proto::v1::{
    Assignment, Catalog, CreateAssignmentResponse, CreateOrganizationRequest, DataCapture, EmailExport,
    EmailExportState, EmailExportSummary, GetCatalogRequest, GetOrganizationRequest, ListAssignmentsRequest,
    MassChangeLimit, Member as MemberMessage, MoveMembersRequest, Organization, PermissionProfile, Phase, SeatType,
    Settings, UpdateAssignmentRequest, UpdateCatalogRequest, UpdateCatalogResponse, UpdateMemberSettingsRequest,
    UpdateMode, Workspace, WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer, refused};
use tonic::{Response, Status};

fn create(id: &str, organization: Organization) -> CreateOrganizationRequest {
    CreateOrganizationRequest { organization_id: id.to_owned(), organization: Some(organization), ..Default::default() }
}

fn get(name: &str, at_least_revision: &str) -> GetOrganizationRequest {
    GetOrganizationRequest { name: name.to_owned(), at_least_revision: at_least_revision.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_created_as_asked_and_read_back() {
    let server = TestServer::start().await;
    let asked = Organization {
        display_name: "Acme & Söhne".to_owned(),
        phase: Phase::Legacy.into(),
        mass_change_limit: Some(MassChangeLimit { members: 5, percent: 20 }),
        ..Default::default()
    };
    let created = server.organizations().create_organization(create("acme", asked.clone())).await.unwrap().into_inner();
    let organization = created.organization.unwrap();
    assert!(!organization.uid.is_empty() && !organization.etag.is_empty() && organization.create_time.is_some());
    let expected = Organization {
        name: "organizations/acme".to_owned(),
        uid: organization.uid.clone(),
        etag: organization.etag.clone(),
        create_time: organization.create_time,
        update_time: organization.create_time,
        ..asked
    };
    assert_eq!(organization, expected);
    let read = server.organizations().get_organization(get("organizations/acme", &created.revision)).await.unwrap();
    let read = read.into_inner();
    assert_eq!((read.organization, read.revision), (Some(expected), created.revision));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_out_has_its_default() {
    let server = TestServer::start().await;
    let created = server.organizations().create_organization(CreateOrganizationRequest::default()).await.unwrap();
    let organization = created.into_inner().organization.unwrap();
    let id = organization.name.strip_prefix("organizations/").unwrap().to_owned();
    uuid::Uuid::parse_str(&id[id.len() - 36..]).unwrap();
    let expected = Organization {
        display_name: id,
        phase: Phase::Migrated.into(),
        mass_change_limit: Some(MassChangeLimit { members: 50, percent: 10 }),
        ..organization.clone()
    };
    assert_eq!(organization, expected);
    server.organizations().get_organization(get(&organization.name, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_follows_the_pattern_and_is_taken_once() {
    let server = TestServer::start().await;
    let longest = "a".repeat(63);
    for id in ["a", "a-1", "acme", &longest] {
        server.organizations().create_organization(create(id, Organization::default())).await.unwrap();
    }
    let too_long = "a".repeat(64);
    for id in ["Acme", "1a", "a_b", "a-", "-a", "ä", "a b", &too_long] {
        let call = refused(server.organizations().create_organization(create(id, Organization::default()))).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST organization_id", "{id}");
    }
    for validate_only in [true, false] {
        let request = CreateOrganizationRequest { validate_only, ..create("acme", Organization::default()) };
        let call = refused(server.organizations().create_organization(request)).await;
        assert_eq!(call, "AlreadyExists ALREADY_EXISTS resource=organizations/acme");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_values_are_refused_and_validate_only_writes_nothing() {
    let server = TestServer::start().await;
    let limit = |members, percent| Some(MassChangeLimit { members, percent });
    let cases = [
        ("organization.display_name", Organization { display_name: "x".repeat(201), ..Default::default() }),
        ("organization.phase", Organization { phase: 9, ..Default::default() }),
        ("organization.mass_change_limit", Organization { mass_change_limit: limit(-1, 0), ..Default::default() }),
        (
            "organization.mass_change_limit.percent",
            Organization { mass_change_limit: limit(0, 101), ..Default::default() },
        ),
    ];
    for (field, organization) in cases {
        let call = refused(server.organizations().create_organization(create("acme", organization))).await;
        assert_eq!(call, format!("InvalidArgument INVALID_REQUEST {field}"));
    }
    let request = CreateOrganizationRequest { validate_only: true, ..create("acme", Organization::default()) };
    let preview = server.organizations().create_organization(request).await.unwrap().into_inner();
    assert_eq!(preview.organization.unwrap().name, "organizations/acme");
    let call = refused(server.organizations().get_organization(get("organizations/acme", ""))).await;
    assert_eq!(call, "NotFound ORGANIZATION_NOT_FOUND organization=acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_assignment_is_there_from_the_start() {
    let server = TestServer::start().await;
    let cases = [
        ("new", Phase::Migrated, EmailExport::DoNotExport, EmailExportState::DoNotExport),
        ("old", Phase::Legacy, EmailExport::Unspecified, EmailExportState::Unspecified),
    ];
    for (id, phase, chosen, state) in cases {
        let org = Org::create(&server, id, phase).await;
        let request = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
        let listed = server.assignments().list_assignments(request).await.unwrap().into_inner().assignments;
        let expected = Assignment {
            name: org.assignment("default"),
            display_name: "Default".to_owned(),
            rank: 1,
            groups: Vec::new(),
            update_mode: UpdateMode::ManualEditing.into(),
            settings: Some(Settings { data_capture: Some(DataCapture::default()), ..Default::default() }),
            email_export: chosen.into(),
            email_export_summary: Some(EmailExportSummary { state: state.into(), ..Default::default() }),
            member_count: 0,
            ..listed[0].clone()
        };
        assert_eq!(listed, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_takes_revisions_that_its_organization_has_made_only() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let old = server.organizations().get_organization(get(&org.name(), "")).await.unwrap().into_inner().revision;
    let synced = org.sync(&[Member::new("m", &[])]).await;
    assert_ne!(synced.revision, old);
    for token in [&old, &synced.revision] {
        let read = server.organizations().get_organization(get(&org.name(), token)).await.unwrap().into_inner();
        assert_eq!(read.revision, synced.revision);
    }
    let other = Org::create(&server, "other", Phase::Migrated).await.sync(&[Member::new("m", &[])]).await.revision;
    // The same organization elsewhere is at revision 1: this token is from its future.
    let elsewhere = TestServer::start().await;
    Org::create(&elsewhere, "acme", Phase::Migrated).await;
    for (server, token) in [(&server, &other), (&server, &"nonsense".to_owned()), (&elsewhere, &synced.revision)] {
        let call = refused(server.organizations().get_organization(get(&org.name(), token))).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST at_least_revision", "{token}");
    }
}

fn seat(id: &str, requires: &[&str]) -> SeatType {
    let requires = requires.iter().map(|&required| required.to_owned()).collect();
    SeatType { seat_type: id.to_owned(), display_name: id.to_uppercase(), requires, total: None }
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

/// A member in `eng`, and a catalog.
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

/// Replaces the catalog under its newest etag.
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
async fn a_catalog_is_replaced_under_its_etag() {
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
async fn a_catalog_that_contradicts_itself_is_refused_with_everything_that_is_wrong() {
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
    let counted = Catalog { seat_types: vec![SeatType { total: Some(3), ..seat("gong", &[]) }], ..Default::default() };
    let expected = "Unimplemented INVALID_REQUEST catalog.seat_types[0].total";
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
        home_workspace: home.to_owned(),
        permissions: vec![permission],
        data_capture: Some(DataCapture::default()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_chooses_from_the_catalog_only() {
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
async fn an_entry_that_an_assignment_or_a_member_has_cannot_go() {
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
    // Under manual editing members keep what the assignment no longer gives.
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
