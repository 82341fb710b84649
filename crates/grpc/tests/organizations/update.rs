//! Updating the fields of an organization.

use prost_types::FieldMask;
use rollcall_proto::v1::{
    ListAuditEventsRequest, MassChangeLimit, Organization, Phase, Preview, UpdateOrganizationRequest,
    UpdateOrganizationResponse,
};
use rollcall_testkit::{TestServer, refused};

use super::{create, get};

const NAME: &str = "organizations/acme";

fn limit(members: i32, percent: i32) -> Option<MassChangeLimit> {
    Some(MassChangeLimit { members: Some(members), percent: Some(percent) })
}

/// A limit with one half only.
fn percent(percent: i32) -> Option<MassChangeLimit> {
    Some(MassChangeLimit { members: None, percent: Some(percent) })
}

fn domains(domains: &[&str]) -> Vec<String> {
    domains.iter().map(|&domain| domain.to_owned()).collect()
}

/// An organization in phase LEGACY.
async fn acme(server: &TestServer) -> Organization {
    let asked = Organization {
        display_name: "Acme".to_owned(),
        phase: Phase::Legacy.into(),
        mass_change_limit: limit(5, 20),
        email_domains: domains(&["acme.example"]),
        wave: Some(3),
        ..Default::default()
    };
    let created = server.organizations().create_organization(create("acme", asked)).await.unwrap();
    created.into_inner().organization.unwrap()
}

async fn read(server: &TestServer) -> (Organization, String) {
    let read = server.organizations().get_organization(get(NAME, "")).await.unwrap().into_inner();
    (read.organization.unwrap(), read.revision)
}

fn update(paths: Option<&[&str]>, organization: Organization) -> UpdateOrganizationRequest {
    let update_mask = paths.map(|paths| FieldMask { paths: domains(paths) });
    let organization = Some(Organization { name: NAME.to_owned(), ..organization });
    UpdateOrganizationRequest { organization, update_mask, ..Default::default() }
}

async fn made(server: &TestServer, request: UpdateOrganizationRequest) -> UpdateOrganizationResponse {
    server.organizations().update_organization(request).await.unwrap().into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mask_selects_the_updated_fields() {
    let server = TestServer::start().await;
    let before = acme(&server).await;
    let other = Organization {
        display_name: "Other".to_owned(),
        mass_change_limit: limit(1, 2),
        email_domains: domains(&["other.example"]),
        wave: Some(7),
        ..Default::default()
    };
    let limited = |members, percent| Organization { mass_change_limit: limit(members, percent), ..before.clone() };
    let cases: [(Option<&[&str]>, Organization, Organization); 16] = [
        (Some(&["display_name"]), other.clone(), Organization { display_name: "Other".to_owned(), ..before.clone() }),
        (Some(&["mass_change_limit"]), other.clone(), limited(1, 2)),
        (Some(&["massChangeLimit.members"]), other.clone(), limited(1, 20)),
        (Some(&["mass_change_limit.percent"]), Organization::default(), limited(5, 10)),
        (
            Some(&["emailDomains", "displayName"]),
            other.clone(),
            Organization { mass_change_limit: limit(5, 20), wave: Some(3), ..merged(&before, &other) },
        ),
        (
            Some(&["email_domains"]),
            Organization::default(),
            Organization { email_domains: domains(&[]), ..before.clone() },
        ),
        (Some(&["wave"]), other.clone(), Organization { wave: Some(7), ..before.clone() }),
        (Some(&["wave"]), Organization::default(), Organization { wave: Some(0), ..before.clone() }),
        (Some(&["*"]), other.clone(), merged(&before, &other)),
        (
            Some(&["*"]),
            Organization::default(),
            Organization {
                display_name: "acme".to_owned(),
                mass_change_limit: limit(50, 10),
                email_domains: domains(&[]),
                wave: Some(0),
                ..before.clone()
            },
        ),
        (None, other.clone(), merged(&before, &other)),
        // Without a mask, each field that is given changes, also to 0, and no other.
        (None, Organization { mass_change_limit: percent(30), ..Default::default() }, limited(5, 30)),
        (None, Organization { mass_change_limit: percent(0), ..Default::default() }, limited(5, 0)),
        (None, Organization { wave: Some(0), ..Default::default() }, Organization { wave: Some(0), ..before.clone() }),
        // A mask replaces the limit as a whole.
        (
            Some(&["mass_change_limit"]),
            Organization { mass_change_limit: percent(30), ..Default::default() },
            limited(0, 30),
        ),
        (Some(&[]), Organization { mass_change_limit: limit(0, 0), ..Default::default() }, limited(0, 0)),
    ];
    for (paths, asked, expected) in cases {
        let answered = made(&server, update(paths, asked)).await;
        let organization = answered.organization.unwrap();
        assert_ne!((&organization.etag, organization.update_time), (&before.etag, before.update_time), "{paths:?}");
        let Organization { etag, update_time, .. } = organization.clone();
        assert_eq!(organization, Organization { etag, update_time, ..expected }, "{paths:?}");
        assert_eq!(read(&server).await, (organization, answered.revision), "{paths:?}");
        made(&server, update(Some(&["*"]), Organization { etag: String::new(), ..before.clone() })).await;
    }
}

/// Other values for the four fields of an organization.
fn merged(organization: &Organization, fields: &Organization) -> Organization {
    let Organization { display_name, mass_change_limit, email_domains, wave, .. } = fields.clone();
    Organization { display_name, mass_change_limit, email_domains, wave, ..organization.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn email_domains_are_stored_lower_cased_unique_and_sorted() {
    let server = TestServer::start().await;
    acme(&server).await;
    let asked = domains(&["Z.example", "a.example", "z.EXAMPLE", "a-b.c.example"]);
    let kept = domains(&["a-b.c.example", "a.example", "z.example"]);
    let given = Organization { email_domains: asked, ..Default::default() };
    let updated = made(&server, update(None, given.clone())).await.organization.unwrap();
    assert_eq!(updated.email_domains, kept);
    let created = server.organizations().create_organization(create("other", given)).await.unwrap();
    assert_eq!(created.into_inner().organization.unwrap().email_domains, kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_is_refused_with_all_violations() {
    let server = TestServer::start().await;
    acme(&server).await;
    let wrong = Organization {
        display_name: "x".repeat(201),
        phase: 9,
        mass_change_limit: limit(-1, 101),
        email_domains: domains(&["ok.example", "localhost", "@acme.example"]),
        wave: Some(-1),
        ..Default::default()
    };
    let fields = [
        "request_id",
        "organization.display_name",
        "organization.phase",
        "organization.mass_change_limit.members",
        "organization.mass_change_limit.percent",
        "organization.email_domains[1]",
        "organization.email_domains[2]",
        "organization.wave",
    ];
    let request_id = "nonsense".to_owned();
    let request = rollcall_proto::v1::CreateOrganizationRequest { request_id, ..create("A", wrong.clone()) };
    let call = refused(server.organizations().create_organization(request)).await;
    let (first, others) = fields.split_first().unwrap();
    assert_eq!(call, format!("InvalidArgument INVALID_REQUEST {first} organization_id {}", others.join(" ")));

    let mut request = update(Some(&["phase", "rank", "display_name"]), wrong);
    request.request_id = "nonsense".to_owned();
    request.organization.as_mut().unwrap().name = "organizations/A".to_owned();
    let call = refused(server.organizations().update_organization(request)).await;
    let others = others.join(" ");
    let expected = format!("{first} organization.name {others} update_mask update_mask");
    assert_eq!(call, format!("InvalidArgument INVALID_REQUEST {expected}"));

    let many = Organization { email_domains: vec!["a.example".to_owned(); 101], ..Default::default() };
    let call = refused(server.organizations().update_organization(update(None, many))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST organization.email_domains");
    let call = refused(server.organizations().update_organization(UpdateOrganizationRequest::default())).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST organization.name");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_migration_changes_the_phase() {
    let server = TestServer::start().await;
    let before = acme(&server).await;
    let migrated = Organization { phase: Phase::Migrated.into(), display_name: "B".to_owned(), ..Default::default() };
    for paths in [None, Some(&["*"][..])] {
        let call = refused(server.organizations().update_organization(update(paths, migrated.clone()))).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST organization.phase");
    }
    let call = refused(server.organizations().update_organization(update(Some(&["phase"]), migrated.clone()))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST update_mask");
    assert_eq!(read(&server).await.0, before);
    // A read-modify-write contains the unchanged phase. A mask can exclude it.
    let read_modify_write = Organization { display_name: "C".to_owned(), ..before };
    made(&server, update(None, read_modify_write)).await;
    made(&server, update(Some(&["display_name"]), migrated)).await;
    let after = read(&server).await.0;
    assert_eq!((after.phase(), after.display_name.as_str()), (Phase::Legacy, "B"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_given_etag_must_be_current() {
    let server = TestServer::start().await;
    let before = acme(&server).await;
    let with_etag = |name: &str, etag: &str| {
        update(None, Organization { display_name: name.to_owned(), etag: etag.to_owned(), ..Default::default() })
    };
    let updated = made(&server, with_etag("B", &before.etag)).await.organization.unwrap();
    let call = refused(server.organizations().update_organization(with_etag("C", &before.etag))).await;
    let expected = format!("Aborted STALE_ETAG current_etag={} etag={} resource={NAME}", updated.etag, before.etag);
    assert_eq!(call, expected);
    made(&server, with_etag("C", "")).await;
    let mut unknown = with_etag("D", "");
    unknown.organization.as_mut().unwrap().name = "organizations/nobody".to_owned();
    let call = refused(server.organizations().update_organization(unknown)).await;
    assert_eq!(call, "NotFound ORGANIZATION_NOT_FOUND organization=nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_and_validate_only_create_no_revision() {
    let server = TestServer::start().await;
    let before = acme(&server).await;
    let read_before = read(&server).await;
    let unchanged = made(&server, update(Some(&["*"]), before.clone())).await;
    assert_eq!((unchanged.organization, unchanged.preview), (Some(before.clone()), None));
    assert_eq!(unchanged.revision, read_before.1);

    let checked = UpdateOrganizationRequest {
        validate_only: true,
        ..update(None, Organization { display_name: "B".to_owned(), ..Default::default() })
    };
    let checked = made(&server, checked).await;
    let expected = Organization { display_name: "B".to_owned(), ..before };
    assert_eq!((checked.organization, checked.preview), (Some(expected), Some(Preview::default())));
    assert_eq!(checked.revision, read_before.1);
    assert_eq!(read(&server).await, read_before);
    let request = ListAuditEventsRequest { parent: NAME.to_owned(), ..Default::default() };
    assert_eq!(server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events.len(), 1);
}
