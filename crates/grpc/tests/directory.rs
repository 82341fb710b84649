//! Directory sync through the API: what each mode changes, what is rejected, who gets which
//! address, and what is refused whole (product.md 3, 6).

#![allow(clippy::unwrap_used)]

use rollcall_proto::v1::{
    Catalog, DirectoryGroup, EmailExport, EmailExportSource, GetCatalogRequest, GetOrganizationRequest,
    ListGroupsRequest, ListMembersRequest, Member as MemberMessage, MemberStatus, Membership, Phase, SeatType,
    Settings, SyncCounts, SyncDirectoryRequest, SyncDirectoryResponse, SyncMode, UpdateCatalogRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tokio::sync::oneshot;
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
const MANUAL: UpdateMode = UpdateMode::ManualEditing;
const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

const MEMBERS: [Member; 4] =
    [Member::new("a", &["eng"]), Member::new("b", &["eng", "ops"]), Member::new("c", &["ops"]), Member::new("d", &[])];

/// Engineering before operations, both automatic.
async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    org
}

fn delta(org: &Org<'_>) -> SyncDirectoryRequest {
    SyncDirectoryRequest { parent: org.name(), mode: SyncMode::Delta.into(), ..Default::default() }
}

async fn sync(
    server: &TestServer,
    stream: impl Stream<Item = SyncDirectoryRequest> + Send + 'static,
) -> Result<SyncDirectoryResponse, Status> {
    Ok(server.directory().sync_directory(stream).await?.into_inner())
}

async fn take(server: &TestServer, request: SyncDirectoryRequest) -> SyncDirectoryResponse {
    sync(server, tokio_stream::once(request)).await.unwrap()
}

fn memberships(pairs: &[(&str, &str)]) -> Vec<Membership> {
    let membership =
        |(group, member): &(&str, &str)| Membership { group: (*group).to_owned(), member: (*member).to_owned() };
    pairs.iter().map(membership).collect()
}

async fn members(server: &TestServer, org: &Org<'_>) -> Vec<MemberMessage> {
    let request = ListMembersRequest { parent: org.name(), ..Default::default() };
    server.members().list_members(request).await.unwrap().into_inner().members
}

/// Everybody as `id (groups) assignment`; whoever is inactive begins with `-`.
async fn everybody(server: &TestServer, org: &Org<'_>) -> Vec<String> {
    let last = |name: &String| name.rsplit('/').next().unwrap().to_owned();
    let line = |member: &MemberMessage| {
        let gone = if member.status() == MemberStatus::Inactive { "-" } else { "" };
        let groups: Vec<String> = member.groups.iter().map(last).collect();
        format!("{gone}{} ({}) {}", last(&member.name), groups.join(" "), last(&member.assignment))
    };
    members(server, org).await.iter().map(line).collect()
}

/// The groups as `id (members)`; one that is gone begins with `-`.
async fn groups(server: &TestServer, org: &Org<'_>) -> Vec<String> {
    let request = ListGroupsRequest { parent: org.name(), ..Default::default() };
    let listed = server.directory().list_groups(request).await.unwrap().into_inner().groups;
    let gone = |present: bool| if present { "" } else { "-" };
    listed
        .iter()
        .map(|group| format!("{}{} ({})", gone(group.present), group.display_name, group.member_count))
        .collect()
}

async fn revision(server: &TestServer, org: &Org<'_>) -> String {
    let request = GetOrganizationRequest { name: org.name(), ..Default::default() };
    server.organizations().get_organization(request).await.unwrap().into_inner().revision
}

fn rejected(response: &SyncDirectoryResponse) -> Vec<String> {
    assert_eq!(response.rejected_count, i32::try_from(response.rejected.len()).unwrap());
    assert!(response.rejected.iter().all(|row| !row.reason.is_empty()));
    let mut rows: Vec<String> = response.rejected.iter().map(|row| format!("{} {}", row.kind, row.key)).collect();
    rows.sort_unstable();
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delta_changes_what_it_names_and_nothing_else() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("a").await;
    let request = SyncDirectoryRequest {
        members: vec![org.row(&MEMBERS[3].clone().inactive()), org.row(&Member::new("e", &[]))],
        groups: vec![DirectoryGroup { group: "eng".to_owned(), display_name: "Makers".to_owned() }],
        memberships: memberships(&[("eng", "c"), ("eng", "e"), ("eng", "a")]),
        removed_memberships: memberships(&[("eng", "b"), ("ops", "a")]),
        ..delta(&org)
    };
    let preview = take(&server, SyncDirectoryRequest { validate_only: true, ..request.clone() }).await;
    let counts = SyncCounts {
        members_created: 1,
        members_deactivated: 1,
        groups_changed: 1,
        memberships_added: 2,
        memberships_removed: 1,
        members_rehomed: 2,
        ..Default::default()
    };
    let flips = preview.preview.as_ref().map(|p| (p.assignment_changes, p.flips_to_export, p.flips_to_do_not_export));
    assert_eq!(
        (preview.counts, flips, preview.revision),
        (Some(counts), Some((3, 1, 1)), revision(&server, &org).await)
    );
    assert_eq!(
        everybody(&server, &org).await,
        ["a (eng) engineering", "b (eng ops) engineering", "c (ops) operations", "d () default"]
    );

    let response = take(&server, request).await;
    assert_eq!((response.counts, response.preview, response.rejected_count), (Some(counts), None, 0));
    let expected = [
        "a (eng) engineering",
        "b (ops) operations",
        "c (eng ops) engineering",
        "-d () default",
        "e (eng) engineering",
    ];
    assert_eq!(everybody(&server, &org).await, expected);
    assert_eq!(groups(&server, &org).await, ["Makers (3)", "ops (2)"]);
    assert_eq!(org.get_member("a").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_absent_from_a_full_sync_is_gone_until_it_returns() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let response = org.sync(&MEMBERS[..1]).await;
    let counts = SyncCounts {
        members_deactivated: 3,
        groups_changed: 1,
        memberships_removed: 2,
        members_rehomed: 1,
        ..Default::default()
    };
    assert_eq!(response.counts, Some(counts));
    // The absent keep assignment and memberships, but for those of the group that is gone.
    assert_eq!(
        everybody(&server, &org).await,
        ["a (eng) engineering", "-b (eng) engineering", "-c () default", "-d () default"]
    );
    assert_eq!(groups(&server, &org).await, ["eng (2)", "-ops (0)"]);
    assert_eq!(org.get_assignment("operations").await.groups, [org.group("ops")]);
    org.sync(&MEMBERS).await;
    let expected = ["a (eng) engineering", "b (eng ops) engineering", "c (ops) operations", "d () default"];
    assert_eq!(everybody(&server, &org).await, expected);
    assert_eq!(groups(&server, &org).await, ["eng (2)", "ops (2)"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_full_sync_again_writes_nothing() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let (before, revision) = (members(&server, &org).await, revision(&server, &org).await);
    let again = org.sync(&MEMBERS).await;
    assert_eq!(again, SyncDirectoryResponse { counts: Some(SyncCounts::default()), revision, ..Default::default() });
    assert_eq!(members(&server, &org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_cannot_be_taken_leaves_what_it_names_as_it_was() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let (before, revision) = (members(&server, &org).await, revision(&server, &org).await);
    let mut request = org.full_sync(&MEMBERS);
    request.members[0].email = "no address".to_owned();
    let mut contradicting = request.members[1].clone();
    contradicting.job_title = "Chief".to_owned();
    request.members.push(contradicting);
    request.members[2].status = 0;
    request.groups.push(DirectoryGroup { group: "ops".to_owned(), display_name: "Other".to_owned() });
    request.members.push(org.row(&Member::new("", &[])));
    request.memberships.extend(memberships(&[("eng", "nobody"), ("moon", "d")]));
    let response = take(&server, request).await;
    let expected = [
        "group ops",
        "group ops",
        "member ",
        "member a",
        "member b",
        "member b",
        "member c",
        "membership eng/nobody",
        "membership moon/d",
    ];
    assert_eq!(rejected(&response), expected);
    assert_eq!((response.counts, response.revision), (Some(SyncCounts::default()), revision));
    assert_eq!(members(&server, &org).await, before);
    assert_eq!(groups(&server, &org).await, ["eng (2)", "ops (2)"]);

    let request = SyncDirectoryRequest {
        memberships: memberships(&[("eng", "d"), ("moon", "d"), ("eng", "nobody")]),
        removed_memberships: memberships(&[("eng", "d"), ("ops", "nobody")]),
        ..delta(&org)
    };
    let expected = ["membership eng/d", "membership eng/nobody", "membership moon/d", "membership ops/nobody"];
    assert_eq!(rejected(&take(&server, request).await), expected);
    assert_eq!(members(&server, &org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_move_and_swap_and_belong_to_one_active_member() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let emails = async || members(&server, &org).await.into_iter().map(|member| member.email).collect::<Vec<_>>();
    let row = |member: usize, email: &str| {
        let mut row = org.row(&MEMBERS[member]);
        row.email = format!("{email}@ACME.example");
        row
    };
    let with = |rows| SyncDirectoryRequest { members: rows, ..delta(&org) };
    // From a to b, with a new one for a, in the order that would collide.
    let moved = take(&server, with(vec![row(1, "A"), row(0, "new")])).await;
    assert_eq!((moved.counts.unwrap().members_updated, moved.rejected_count), (2, 0));
    assert_eq!(emails().await, ["new@acme.example", "a@acme.example", "c@acme.example", "d@acme.example"]);
    let swapped = take(&server, with(vec![row(2, "d"), row(3, "c")])).await;
    assert_eq!((swapped.counts.unwrap().members_updated, swapped.rejected_count), (2, 0));
    assert_eq!(emails().await, ["new@acme.example", "a@acme.example", "d@acme.example", "c@acme.example"]);
    // c holds d's address now; of two newcomers with one address the first gets it.
    let (mut first, mut second) = (org.row(&Member::new("e", &[])), org.row(&Member::new("f", &[])));
    first.email = "same@acme.example".to_owned();
    second.email = "Same@acme.example".to_owned();
    let response = take(&server, with(vec![row(0, "d"), first, second])).await;
    assert_eq!(rejected(&response), ["member a", "member f"]);
    assert!(response.rejected.iter().any(|row| row.reason.contains("c")), "{:?}", response.rejected);
    assert_eq!(
        emails().await,
        ["new@acme.example", "a@acme.example", "d@acme.example", "c@acme.example", "same@acme.example"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_becomes_active_again_has_what_the_mode_says() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let away = [
        Member::new("auto", &["eng"]).inactive(),
        Member::new("hand", &["ops"]).inactive(),
        Member::new("rest", &[]).inactive(),
    ];
    org.sync(&away).await;
    let request = GetCatalogRequest { name: format!("{}/catalog", org.name()), ..Default::default() };
    let catalog = server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap();
    let seat_types = vec![SeatType { seat_type: "gong".to_owned(), ..Default::default() }];
    let request = UpdateCatalogRequest { catalog: Some(Catalog { seat_types, ..catalog }), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
    for (id, group, mode) in [("engineering", "eng", AUTOMATIC), ("operations", "ops", MANUAL)] {
        let mut request = org.new_assignment(id, &[group], mode, None);
        let settings = Settings { seats: vec!["gong".to_owned()], ..Default::default() };
        request.assignment.as_mut().unwrap().settings = Some(settings);
        server.assignments().create_assignment(request).await.unwrap();
    }
    org.import(&[("auto", true), ("hand", true), ("rest", true)]).await;
    org.migrate().await;
    let what = async |id: &str| {
        let member = org.get_member(id).await;
        (member.email_export(), member.email_export_source(), member.email_export_since, member.held_seats.len())
    };
    let carried = |seats| (EmailExport::Export, EmailExportSource::Migration, None, seats);
    for id in ["auto", "hand", "rest"] {
        assert_eq!(what(id).await, carried(0), "{id}");
    }
    let back = away.clone().map(|member| Member { active: true, ..member });
    let response = org.sync(&back).await;
    assert_eq!(response.counts, Some(SyncCounts { members_reactivated: 3, ..Default::default() }));
    // Without active members the migration has chosen DO_NOT_EXPORT for each assignment.
    assert_eq!(what("auto").await, (EmailExport::DoNotExport, EmailExportSource::Assignment, None, 1));
    assert_eq!((what("hand").await, what("rest").await), (carried(1), carried(0)));
    org.sync(&away).await;
    assert_eq!(what("hand").await, carried(0));
    assert_eq!(org.get_member("hand").await.settings.unwrap().seats, ["gong"]);
    org.sync(&back).await;
    assert_eq!(what("hand").await, carried(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mass_change_needs_to_be_allowed() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let crowd: Vec<Member> = (10..70).map(|n| Member::new(format!("m{n}").leak(), &["eng"])).collect();
    org.sync(&crowd).await;
    let before = members(&server, &org).await;
    let blocked = org.full_sync(&crowd[..9]);
    for validate_only in [true, false] {
        let request = SyncDirectoryRequest { validate_only, ..blocked.clone() };
        let status = sync(&server, tokio_stream::once(request)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "MASS_CHANGE_BLOCKED"));
        let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
        assert_eq!((metadata["deactivated"].as_str(), metadata["rehomed"].as_str()), ("51", "0"));
        assert_eq!(metadata["limit"], "50 members and 10 percent");
    }
    assert_eq!(members(&server, &org).await, before);
    let fifty = SyncDirectoryRequest { validate_only: true, ..org.full_sync(&crowd[..10]) };
    assert_eq!(take(&server, fifty).await.counts.unwrap().members_deactivated, 50);
    let allowed = take(&server, SyncDirectoryRequest { allow_mass_change: true, ..blocked }).await;
    assert_eq!(allowed.counts.unwrap().members_deactivated, 51);
}

#[tokio::test(flavor = "multi_thread")]
async fn options_come_in_the_first_message_and_only_there() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = (everybody(&server, &org).await, revision(&server, &org).await);
    let whole = org.full_sync(&MEMBERS[..1]);
    let second = SyncDirectoryRequest::default;
    let cases = [
        (vec![], "parent,mode"),
        (vec![SyncDirectoryRequest { parent: String::new(), ..whole.clone() }], "parent"),
        (vec![SyncDirectoryRequest { mode: 0, ..whole.clone() }], "mode"),
        (vec![SyncDirectoryRequest { mode: 9, ..whole.clone() }], "mode"),
        (
            vec![SyncDirectoryRequest { removed_memberships: memberships(&[("eng", "b")]), ..whole.clone() }],
            "removed_memberships",
        ),
        (vec![whole.clone(), SyncDirectoryRequest { parent: org.name(), ..second() }], "parent"),
        (vec![whole.clone(), SyncDirectoryRequest { mode: whole.mode, ..second() }], "mode"),
        (vec![whole.clone(), SyncDirectoryRequest { allow_mass_change: true, ..second() }], "allow_mass_change"),
        (vec![whole.clone(), SyncDirectoryRequest { validate_only: true, ..second() }], "validate_only"),
    ];
    for (messages, expected) in cases {
        let status = sync(&server, tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"), "{expected}");
        let details = status.get_error_details();
        let fields: Vec<&str> =
            details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields.join(","), expected);
    }
    assert_eq!((everybody(&server, &org).await, revision(&server, &org).await), before);
    // Rows may be in any message, in any order.
    let (first, rest) =
        (SyncDirectoryRequest { members: vec![], groups: vec![], ..org.full_sync(&MEMBERS) }, org.full_sync(&MEMBERS));
    let rest = SyncDirectoryRequest { parent: String::new(), mode: 0, memberships: vec![], ..rest };
    let response = sync(&server, tokio_stream::iter([first, rest])).await.unwrap();
    assert_eq!((response.rejected_count, response.revision), (0, before.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_applies_nothing() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let first = org.full_sync(&[Member::new("ghost", &["eng"])]);
    // A message that the server does not take.
    let huge = DirectoryGroup { group: "g".to_owned(), display_name: "x".repeat(8 << 20) };
    let huge = SyncDirectoryRequest { groups: vec![huge], ..Default::default() };
    sync(&server, tokio_stream::iter([first.clone(), huge])).await.unwrap_err();
    // A caller who goes away between two messages.
    let (sent, sending) = oneshot::channel();
    let mut sent = Some(sent);
    let unfinished = tokio_stream::once(first).chain(tokio_stream::pending()).map(move |message| {
        sent.take().unwrap().send(()).unwrap();
        message
    });
    tokio::select! {
        answer = sync(&server, unfinished) => panic!("{answer:?}"),
        begun = sending => begun.unwrap(),
    }
    let newcomer = SyncDirectoryRequest { members: vec![org.row(&Member::new("e", &[]))], ..delta(&org) };
    take(&server, newcomer).await;
    let expected =
        ["a (eng) engineering", "b (eng ops) engineering", "c (ops) operations", "d () default", "e () default"];
    assert_eq!(everybody(&server, &org).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_by_pages() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("m", &["b", "B/1", "a", "é", "c"])]).await;
    let page = |page_size: i32, page_token: &str| ListGroupsRequest {
        parent: org.name(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let read = server.directory().list_groups(page(2, &token)).await.unwrap().into_inner();
        names.extend(read.groups.into_iter().map(|group| group.name));
        if read.next_page_token.is_empty() {
            break;
        }
        token = read.next_page_token;
    }
    assert_eq!(names, ["B%2F1", "a", "b", "c", "%C3%A9"].map(|id| org.group(id)));
    let status = server.directory().list_groups(page(2, "nonsense")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
}
