//! The ordered list through the API: ranks, who wins, who is held, what is refused, and that a
//! preview says what then happens (product.md 2, 3, 5, 9).

#![allow(clippy::unwrap_used)]

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DataCapture, DeleteAssignmentRequest, EmailExport, ListAssignmentsRequest,
    ListMembersRequest, Member as MemberMessage, MemberChange, MoveAssignmentRequest, MoveMembersRequest, Phase,
    Preview, Settings, UpdateAssignmentRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
const MANUAL: UpdateMode = UpdateMode::ManualEditing;
const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

const MEMBERS: [Member; 5] = [
    Member::new("both", &["eng", "ops"]),
    Member::new("builder", &["eng"]),
    Member::new("gone", &["eng"]).inactive(),
    Member::new("keeper", &["ops"]),
    Member::new("loner", &["free"]),
];

async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org
}

fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

async fn list(server: &TestServer, org: &Org<'_>) -> Vec<Assignment> {
    let request = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
    server.assignments().list_assignments(request).await.unwrap().into_inner().assignments
}

/// The ids in evaluation order; their ranks are 1, 2, 3 …
async fn order(server: &TestServer, org: &Org<'_>) -> String {
    let listed = list(server, org).await;
    assert!(listed.iter().map(|assignment| assignment.rank).eq(1..=listed.len().try_into().unwrap()));
    listed.iter().map(|assignment| last(&assignment.name)).collect::<Vec<_>>().join(" ")
}

async fn everybody(server: &TestServer, org: &Org<'_>) -> Vec<MemberMessage> {
    let request = ListMembersRequest { parent: org.name(), ..Default::default() };
    server.members().list_members(request).await.unwrap().into_inner().members
}

/// Who is where, as `member:assignment`.
async fn homes(server: &TestServer, org: &Org<'_>) -> String {
    let home = |member: &MemberMessage| format!("{}:{}", last(&member.name), last(&member.assignment));
    everybody(server, org).await.iter().map(home).collect::<Vec<_>>().join(" ")
}

fn at(org: &Org<'_>, id: &str, groups: &[&str], position: i32) -> CreateAssignmentRequest {
    CreateAssignmentRequest { position, ..org.new_assignment(id, groups, AUTOMATIC, EXPORT) }
}

fn move_to(org: &Org<'_>, id: &str, position: i32) -> MoveAssignmentRequest {
    MoveAssignmentRequest { name: org.assignment(id), position, ..Default::default() }
}

fn delete(org: &Org<'_>, id: &str, resolve_members: bool) -> DeleteAssignmentRequest {
    DeleteAssignmentRequest { name: org.assignment(id), resolve_members, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_stay_dense_wherever_an_assignment_is_put() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for (id, position, expected) in [("a", 0, "a default"), ("b", 1, "b a default"), ("c", 2, "b c a default")] {
        let created = server.assignments().create_assignment(at(&org, id, &["eng"], position)).await.unwrap();
        let created = created.into_inner().assignment.unwrap();
        assert_eq!(created, org.get_assignment(id).await);
        assert_eq!(order(&server, &org).await, expected);
    }
    for (id, position, expected) in [("b", 3, "c a b default"), ("b", 1, "b c a default"), ("c", 2, "b c a default")] {
        let moved = server.assignments().move_assignment(move_to(&org, id, position)).await.unwrap();
        assert_eq!(moved.into_inner().assignment.unwrap().rank, position);
        assert_eq!(order(&server, &org).await, expected);
    }
    server.assignments().delete_assignment(delete(&org, "c", false)).await.unwrap();
    assert_eq!(order(&server, &org).await, "b a default");

    let position = "InvalidArgument INVALID_REQUEST position";
    for beyond in [-1, 4] {
        let call = refused(server.assignments().create_assignment(at(&org, "d", &["eng"], beyond))).await;
        assert_eq!(call, position, "create at {beyond}");
    }
    for beyond in [-1, 0, 3] {
        let call = refused(server.assignments().move_assignment(move_to(&org, "a", beyond))).await;
        assert_eq!(call, position, "move to {beyond}");
    }
    assert_eq!(order(&server, &org).await, "b a default");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_created_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("taken", &["eng"], MANUAL, EXPORT).await;
    let legacy = Org::create(&server, "old", Phase::Legacy).await;
    legacy.sync(&[Member::new("m", &["eng"])]).await;
    let new = |id: &str, group: &str| org.new_assignment(id, &[group], AUTOMATIC, EXPORT);
    let with = |change: &dyn Fn(&mut Assignment)| {
        let mut request = new("a", "eng");
        change(request.assignment.as_mut().unwrap());
        request
    };
    let capture =
        |capture| with(&|a| a.settings = Some(Settings { data_capture: Some(capture), ..Default::default() }));
    let twice = DataCapture {
        web_conferences_recorded: true,
        prevent_web_conference_recording: true,
        emails_imported: true,
        prevent_email_import: true,
        ..Default::default()
    };
    let once = DataCapture { web_conferences_recorded: false, ..twice };
    let contradiction = "InvalidArgument CONTRADICTORY_DATA_CAPTURE";
    let capturing = "assignment.settings.data_capture.prevent";
    let elsewhere = legacy.group("eng");
    let bad = |field: &str| format!("InvalidArgument INVALID_REQUEST {field}");
    let emails = "emails_imported,prevent_email_import";
    let both = format!("web_conferences_recorded,prevent_web_conference_recording,{emails}");
    let cases = [
        (
            with(&|a| a.email_export = 0),
            "InvalidArgument EMAIL_EXPORT_REQUIRED assignment.email_export field=email_export".to_owned(),
        ),
        (
            legacy.new_assignment("a", &["eng"], AUTOMATIC, EXPORT),
            "FailedPrecondition EMAIL_EXPORT_NOT_MIGRATED organization=old".to_owned(),
        ),
        (new("a", "moon"), "NotFound GROUP_NOT_FOUND group=moon".to_owned()),
        (new("taken", "eng"), "AlreadyExists ALREADY_EXISTS resource=organizations/acme/assignments/taken".to_owned()),
        (
            new("default", "eng"),
            "AlreadyExists ALREADY_EXISTS resource=organizations/acme/assignments/default".to_owned(),
        ),
        (new("Not-An-Id", "eng"), bad("assignment_id")),
        (with(&|a| a.groups.clear()), bad("assignment.groups")),
        (with(&|a| a.groups.push(elsewhere.clone())), bad("assignment.groups[1]")),
        (with(&|a| a.display_name.clear()), bad("assignment.display_name")),
        (with(&|a| a.update_mode = 7), bad("assignment.update_mode")),
        (capture(once), format!("{contradiction} {capturing}_email_import fields={emails}")),
        (
            capture(twice),
            format!("{contradiction} {capturing}_web_conference_recording {capturing}_email_import fields={both}"),
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.assignments().create_assignment(request.clone())).await, expected);
        let request = CreateAssignmentRequest { validate_only: true, ..request };
        assert_eq!(refused(server.assignments().create_assignment(request)).await, expected, "validate_only");
    }
    assert_eq!(order(&server, &org).await, "taken default");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_names_fields_that_exist_and_groups_that_are_known() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("a", &["eng"], AUTOMATIC, EXPORT).await;
    let groups = vec![org.group("moon")];
    let update = |path: &str| UpdateAssignmentRequest {
        assignment: Some(Assignment { name: org.assignment("a"), groups: groups.clone(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        ..Default::default()
    };
    let cases = [
        ("moon", "InvalidArgument INVALID_REQUEST update_mask"),
        ("rank", "InvalidArgument INVALID_REQUEST update_mask"),
        ("update_mode", "InvalidArgument INVALID_REQUEST assignment.update_mode"),
        ("display_name", "InvalidArgument INVALID_REQUEST assignment.display_name"),
        ("email_export", "InvalidArgument EMAIL_EXPORT_REQUIRED assignment.email_export field=email_export"),
        ("groups", "NotFound GROUP_NOT_FOUND group=moon"),
    ];
    for (path, expected) in cases {
        assert_eq!(refused(server.assignments().update_assignment(update(path))).await, expected, "{path}");
    }
    let mut other = update("groups");
    other.assignment.as_mut().unwrap().groups = vec![org.group("free")];
    server.assignments().update_assignment(other).await.unwrap();
    let expected = "both:default builder:default gone:default keeper:default loner:a";
    assert_eq!(homes(&server, &org).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_listed_wins_and_a_move_changes_who_wins() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let first = "both:engineering builder:engineering gone:engineering keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, first);
    assert_eq!(org.get_member("both").await.email_export(), EmailExport::Export);
    server.assignments().move_assignment(move_to(&org, "operations", 1)).await.unwrap();
    let second = "both:operations builder:engineering gone:engineering keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, second);
    assert_eq!(org.get_member("both").await.email_export(), EmailExport::DoNotExport);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_assignment_holds_its_members_whatever_the_list_says() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("engineering", &["eng"], MANUAL, EXPORT).await;
    let held = homes(&server, &org).await;
    assert_eq!(held, "both:engineering builder:engineering gone:engineering keeper:default loner:default");
    server.assignments().create_assignment(at(&org, "operations", &["ops", "eng"], 1)).await.unwrap();
    assert_eq!(homes(&server, &org).await, held.replace("keeper:default", "keeper:operations"));
    // Switching to automatic updates lets them go.
    let assignment =
        Assignment { name: org.assignment("engineering"), update_mode: AUTOMATIC.into(), ..Default::default() };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    let free = "both:operations builder:operations gone:operations keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, free);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_assignment_is_edited_but_not_deleted_moved_or_given_groups() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let fixed = "FailedPrecondition DEFAULT_ASSIGNMENT_FIXED assignment=default";
    assert_eq!(refused(server.assignments().delete_assignment(delete(&org, "default", true))).await, fixed);
    assert_eq!(refused(server.assignments().move_assignment(move_to(&org, "default", 1))).await, fixed);
    let update = |assignment| UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    let name = org.assignment("default");
    let grouped = Assignment { name: name.clone(), groups: vec![org.group("eng")], ..Default::default() };
    assert_eq!(refused(server.assignments().update_assignment(update(grouped))).await, fixed);
    let display_name = "Everybody else".to_owned();
    let edited = Assignment { name, display_name, email_export: EmailExport::Export.into(), ..Default::default() };
    server.assignments().update_assignment(update(edited)).await.unwrap();
    assert_eq!(org.get_assignment("default").await.email_export_summary.unwrap().exporting, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_with_members_or_pins_is_deleted_when_they_may_be_resolved_again() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let kept = org.assign("engineering", &["eng"], MANUAL, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let (parent, assignment) = (org.name(), org.assignment("engineering"));
    let request = MoveMembersRequest { parent, members: vec![org.member("loner")], assignment, ..Default::default() };
    server.members().move_members(request).await.unwrap();

    let call = refused(server.assignments().delete_assignment(delete(&org, "engineering", false))).await;
    assert_eq!(call, "FailedPrecondition ASSIGNMENT_HAS_MEMBERS assignment=engineering members=4 pins=1");
    let stale = DeleteAssignmentRequest { etag: "0".to_owned(), ..delete(&org, "engineering", true) };
    let expected = format!("Aborted STALE_ETAG current_etag={} etag=0 resource={}", kept.etag, kept.name);
    assert_eq!(refused(server.assignments().delete_assignment(stale)).await, expected);
    let current = DeleteAssignmentRequest { etag: kept.etag, ..delete(&org, "engineering", true) };
    server.assignments().delete_assignment(current).await.unwrap();
    let resolved = "both:operations builder:default gone:default keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, resolved);
    assert_eq!(org.get_member("loner").await.pin, None);
    let unknown = "NotFound ASSIGNMENT_NOT_FOUND assignment=engineering";
    assert_eq!(refused(server.assignments().delete_assignment(delete(&org, "engineering", true))).await, unknown);
    assert_eq!(refused(server.assignments().move_assignment(move_to(&org, "engineering", 1))).await, unknown);
}

/// What happened between two readings, in the words of a preview.
fn difference(before: &[MemberMessage], after: &[MemberMessage]) -> Preview {
    let mut found = Preview::default();
    for (before, after) in before.iter().zip(after) {
        let change = MemberChange {
            member: after.name.clone(),
            assignment_before: before.assignment.clone(),
            assignment_after: after.assignment.clone(),
            email_export_before: before.email_export,
            email_export_after: after.email_export,
            settings_change: before.settings != after.settings,
        };
        let flips = before.email_export != after.email_export;
        found.assignment_changes += i32::from(before.assignment != after.assignment);
        found.flips_to_export += i32::from(flips && after.email_export() == EmailExport::Export);
        found.flips_to_do_not_export += i32::from(flips && after.email_export() == EmailExport::DoNotExport);
        found.settings_changes += i32::from(change.settings_change);
        found.sample.extend((before != after).then_some(change));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_writes_nothing_and_says_what_then_happens() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let mut create = at(&org, "engineering", &["eng"], 1);
    let capture = Some(DataCapture { telephony_calls_imported: true, ..Default::default() });
    create.assignment.as_mut().unwrap().settings = Some(Settings { data_capture: capture, ..Default::default() });
    let (moved, deleted) = (move_to(&org, "operations", 1), delete(&org, "engineering", true));
    let mut seen = Vec::new();
    for step in ["create", "move", "delete"] {
        let call = async |validate_only: bool| match step {
            "create" => {
                let request = CreateAssignmentRequest { validate_only, ..create.clone() };
                server.assignments().create_assignment(request).await.unwrap().into_inner().preview
            }
            "move" => {
                let request = MoveAssignmentRequest { validate_only, ..moved.clone() };
                server.assignments().move_assignment(request).await.unwrap().into_inner().preview
            }
            _ => {
                let request = DeleteAssignmentRequest { validate_only, ..deleted.clone() };
                server.assignments().delete_assignment(request).await.unwrap().into_inner().preview
            }
        };
        let (before, listed) = (everybody(&server, &org).await, list(&server, &org).await);
        let preview = call(true).await.unwrap();
        assert_eq!((&everybody(&server, &org).await, &list(&server, &org).await), (&before, &listed), "{step}");
        assert_eq!(call(false).await, None);
        assert_eq!(preview, difference(&before, &everybody(&server, &org).await), "{step}");
        seen.push((preview.assignment_changes, preview.flips_to_export, preview.flips_to_do_not_export));
    }
    assert_eq!(seen, [(3, 3, 0), (1, 0, 1), (2, 0, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_every_assignment_once_and_tokens_are_for_their_own_list() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for id in ["a", "b", "c", "d"] {
        org.assign(id, &["eng"], MANUAL, EXPORT).await;
    }
    let page = |page_size: i32, page_token: &str| {
        let (parent, page_token) = (org.name(), page_token.to_owned());
        ListAssignmentsRequest { parent, page_size, page_token, ..Default::default() }
    };
    let (mut found, mut tokens) = (Vec::new(), vec![String::new()]);
    while let Some(token) = tokens.last().filter(|token| tokens.len() == 1 || !token.is_empty()) {
        let read = server.assignments().list_assignments(page(2, token)).await.unwrap().into_inner();
        found.extend(read.assignments);
        tokens.push(read.next_page_token);
    }
    assert_eq!((found, tokens.len()), (list(&server, &org).await, 4));
    let other = Org::create(&server, "other", Phase::Migrated).await;
    let elsewhere = ListAssignmentsRequest { parent: other.name(), ..page(2, &tokens[1]) };
    for request in [page(2, "nonsense"), page(2, &tokens[1][1..]), elsewhere] {
        let call = refused(server.assignments().list_assignments(request)).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST page_token");
    }
    let call = refused(server.assignments().list_assignments(page(-1, ""))).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST page_size");
}
