//! Creating organizations: ids, phases, the default assignment (product.md 2.3, 7.1), and reading them.

use rollcall_proto::v1::{
    Assignment, CreateOrganizationRequest, EmailExport, EmailExportState, EmailExportSummary, ListAssignmentsRequest,
    MassChangeLimit, Organization, Phase, UpdateMode,
};
use rollcall_testkit::{BlockedSessions, Member, Org, TestServer, refused};

use super::{create, get};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_created_and_read_back() {
    let server = TestServer::start().await;
    let asked = Organization {
        display_name: "Acme & Söhne".to_owned(),
        phase: Phase::Legacy.into(),
        mass_change_limit: Some(MassChangeLimit { members: Some(5), percent: Some(20) }),
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
        wave: Some(0),
        ..asked
    };
    assert_eq!(organization, expected);
    let read = server.organizations().get_organization(get("organizations/acme", &created.revision)).await.unwrap();
    let read = read.into_inner();
    assert_eq!((read.organization, read.revision), (Some(expected), created.revision));
}

#[tokio::test(flavor = "multi_thread")]
async fn unset_fields_have_defaults() {
    let server = TestServer::start().await;
    let created = server.organizations().create_organization(CreateOrganizationRequest::default()).await.unwrap();
    let organization = created.into_inner().organization.unwrap();
    let id = organization.name.strip_prefix("organizations/").unwrap().to_owned();
    uuid::Uuid::parse_str(&id[id.len() - 36..]).unwrap();
    let expected = Organization {
        display_name: id,
        phase: Phase::Migrated.into(),
        mass_change_limit: Some(MassChangeLimit { members: Some(50), percent: Some(10) }),
        ..organization.clone()
    };
    assert_eq!(organization, expected);
    server.organizations().get_organization(get(&organization.name, "")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_creations_with_one_request_id_create_one_organization() {
    let server = TestServer::start().await;
    let client = server.database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE requests IN SHARE MODE").await.unwrap();
    let id = uuid::Uuid::now_v7().to_string();
    let asked = ["acme", "beta"].map(|name| {
        let request = CreateOrganizationRequest { request_id: id.clone(), ..create(name, Organization::default()) };
        let mut organizations = server.organizations();
        tokio::spawn(async move { organizations.create_organization(request).await })
    });
    BlockedSessions::of(&server.database).await.wait_for(2).await;
    client.batch_execute("COMMIT").await.unwrap();
    let mut refusals = Vec::new();
    for answer in asked {
        let answer = answer.await.unwrap();
        if answer.is_err() {
            refusals.push(refused(std::future::ready(answer)).await);
        }
    }
    assert_eq!(refusals, [format!("AlreadyExists REQUEST_ID_REUSED request_id={id}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_matches_the_pattern_and_is_unique() {
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
        (
            "organization.mass_change_limit.members",
            Organization { mass_change_limit: limit(Some(-1), Some(0)), ..Default::default() },
        ),
        (
            "organization.mass_change_limit.percent",
            Organization { mass_change_limit: limit(Some(0), Some(101)), ..Default::default() },
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
async fn a_new_organization_has_the_default_assignment() {
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
            settings: Some(rollcall_testkit::no_settings()),
            email_export: chosen.into(),
            email_export_summary: Some(EmailExportSummary { state: state.into(), ..Default::default() }),
            member_count: 0,
            ..listed[0].clone()
        };
        assert_eq!(listed, [expected]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_accepts_only_revisions_of_its_organization() {
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
    let name = org.name();
    // The other organization is at revision 1, so this token is from its future.
    for token in [&other, "nonsense"] {
        let call = refused(server.organizations().get_organization(get(&name, token))).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST at_least_revision", "{token}");
    }
    // The token of another installation. A test has one database at a time.
    drop(server);
    let elsewhere = TestServer::start().await;
    Org::create(&elsewhere, "acme", Phase::Migrated).await;
    let call = refused(elsewhere.organizations().get_organization(get(&name, &synced.revision))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST at_least_revision");
}
