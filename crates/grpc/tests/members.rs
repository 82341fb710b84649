//! Members through the API: reading, listing while others write, moving, releasing, explaining,
//! and the team members CSV (product.md 5, 8, 9).

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use rollcall_proto::v1::{
    CsvProfile, DataCapture, DirectoryMember, EmailExport, EmailExportSource, ExplainMemberRequest,
    ExportMembersCsvRequest, GetCatalogRequest, GetMemberRequest, ListMembersRequest, ListMembersResponse,
    Member as MemberMessage, MemberStatus, Membership, MoveAssignmentRequest, MoveMembersRequest, MoveMembersResponse,
    PermissionProfile, Phase, Pin, Preview, ReleaseMembersRequest, ReleaseMembersResponse, SeatType, Settings,
    SyncDirectoryRequest, SyncMode, UpdateCatalogRequest, UpdateMemberSettingsRequest, UpdateMode, Verdict, Workspace,
    WorkspacePermission,
};
use rollcall_testkit::{Member, Org, TestServer, refused};

const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
const MANUAL: UpdateMode = UpdateMode::ManualEditing;
const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

/// Automatic engineering, manual operations, automatic everyone; in this order.
async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    let members = [
        Member::new("builder", &["all", "eng"]),
        Member::new("gone", &["eng"]).inactive(),
        Member::new("keeper", &["ops"]),
        Member::new("loner", &[]),
        Member::new("mover", &["ops"]),
    ];
    org.sync(&members).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], MANUAL, DO_NOT_EXPORT).await;
    org.assign("everyone", &["all"], AUTOMATIC, EXPORT).await;
    org
}

async fn list(server: &TestServer, request: ListMembersRequest) -> ListMembersResponse {
    server.members().list_members(request).await.unwrap().into_inner()
}

fn all(org: &Org<'_>) -> ListMembersRequest {
    ListMembersRequest { parent: org.name(), ..Default::default() }
}

fn ids(members: &[MemberMessage]) -> Vec<&str> {
    members.iter().map(|member| member.name.rsplit('/').next().unwrap()).collect()
}

fn moving(org: &Org<'_>, members: &[&str], assignment: &str) -> MoveMembersRequest {
    MoveMembersRequest {
        parent: org.name(),
        members: members.iter().map(|member| org.member(member)).collect(),
        assignment: org.assignment(assignment),
        reason: "a project".to_owned(),
        ..Default::default()
    }
}

async fn move_to(server: &TestServer, org: &Org<'_>, members: &[&str], assignment: &str) -> MoveMembersResponse {
    server.members().move_members(moving(org, members, assignment)).await.unwrap().into_inner()
}

async fn release(server: &TestServer, org: &Org<'_>, members: &[&str], validate_only: bool) -> ReleaseMembersResponse {
    let members = members.iter().map(|member| org.member(member)).collect();
    let request = ReleaseMembersRequest { parent: org.name(), members, validate_only, ..Default::default() };
    server.members().release_members(request).await.unwrap().into_inner()
}

/// Takes members out of a group and puts them into another.
async fn regroup(server: &TestServer, org: &Org<'_>, member: &str, from: &str, to: &str) {
    let membership = |group: &str| vec![Membership { group: group.to_owned(), member: member.to_owned() }];
    let request = SyncDirectoryRequest {
        parent: org.name(),
        mode: SyncMode::Delta.into(),
        memberships: membership(to),
        removed_memberships: membership(from),
        ..Default::default()
    };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_shown_with_everything_that_they_have() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let member = org.get_member("builder").await;
    assert!(!member.etag.is_empty() && member.create_time.is_some() && member.email_export_since.is_some());
    let expected = MemberMessage {
        name: "organizations/acme/members/builder".to_owned(),
        email: "builder@acme.example".to_owned(),
        given_name: "Given".to_owned(),
        family_name: "builder".to_owned(),
        job_title: String::new(),
        manager_email: String::new(),
        status: MemberStatus::Active.into(),
        groups: vec![org.group("all"), org.group("eng")],
        assignment: org.assignment("engineering"),
        pin: None,
        settings: Some(Settings { data_capture: Some(DataCapture::default()), ..Default::default() }),
        held_seats: Vec::new(),
        pending_seats: Vec::new(),
        email_export: EmailExport::Export.into(),
        email_export_since: member.update_time,
        email_export_source: EmailExportSource::Assignment.into(),
        create_time: member.create_time,
        update_time: member.update_time,
        etag: member.etag.clone(),
    };
    assert_eq!(member, expected);
    let get = |name: String| GetMemberRequest { name, ..Default::default() };
    let unknown = "NotFound MEMBER_NOT_FOUND member=nobody";
    assert_eq!(refused(server.members().get_member(get(org.member("nobody")))).await, unknown);
    assert_eq!(
        refused(server.members().get_member(get(org.group("eng")))).await,
        "InvalidArgument INVALID_REQUEST name"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_hold_whoever_is_there_throughout_exactly_once_while_others_write() {
    let server = TestServer::start().await;
    let everybody = ["m1", "m2", "m3", "m4", "m45", "m5", "m6", "m7"];
    for (id, filtered, expected) in [("acme", false, &everybody[..]), ("beta", true, &everybody[..7])] {
        let org = Org::create(&server, id, Phase::Migrated).await;
        org.sync(&["m1", "m2", "m3", "m4", "m5", "m6", "m7"].map(|id| Member::new(id, &["eng"]))).await;
        org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
        org.assign("other", &["eng"], AUTOMATIC, DO_NOT_EXPORT).await;
        let assignment = if filtered { org.assignment("engineering") } else { String::new() };
        let filter = ListMembersRequest { assignment, page_size: 2, ..all(&org) };
        let mut found = Vec::new();
        let mut page = list(&server, filter.clone()).await;
        for (newcomer, target) in [("m0", "other"), ("m45", "engineering"), ("m1a", "other")] {
            // Somebody comes; one whom the pages have passed, and one whom they have not, move.
            let mut request = org.full_sync(&[Member::new(newcomer, &["eng"])]);
            request.mode = SyncMode::Delta.into();
            server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
            move_to(&server, &org, &["m1", "m7"], target).await;
            found.extend(page.members);
            page = list(&server, ListMembersRequest { page_token: page.next_page_token, ..filter.clone() }).await;
        }
        found.extend(page.members);
        assert_eq!((ids(&found), page.next_page_token.as_str()), (expected.to_vec(), ""));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_has_its_own_tokens_and_knows_its_assignment() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let operations = ListMembersRequest { assignment: org.assignment("operations"), ..all(&org) };
    assert_eq!(ids(&list(&server, all(&org)).await.members), ["builder", "gone", "keeper", "loner", "mover"]);
    assert_eq!(ids(&list(&server, operations.clone()).await.members), ["keeper", "mover"]);
    let page_token = list(&server, ListMembersRequest { page_size: 1, ..all(&org) }).await.next_page_token;
    let nowhere = ListMembersRequest { assignment: org.assignment("moon"), ..all(&org) };
    let cases = [
        (
            ListMembersRequest { page_token: page_token.clone(), ..operations },
            "InvalidArgument INVALID_REQUEST page_token",
        ),
        (
            ListMembersRequest { page_token: format!("{page_token}x"), ..all(&org) },
            "InvalidArgument INVALID_REQUEST page_token",
        ),
        (ListMembersRequest { page_size: -1, ..all(&org) }, "InvalidArgument INVALID_REQUEST page_size"),
        (nowhere, "NotFound ASSIGNMENT_NOT_FOUND assignment=moon"),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().list_members(request)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_pins_against_the_order_the_mode_and_the_next_sync() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("mover").await;
    let request = MoveMembersRequest { validate_only: true, ..moving(&org, &["builder", "mover"], "engineering") };
    let preview = server.members().move_members(request).await.unwrap().into_inner();
    assert_eq!(org.get_member("mover").await, before);
    let counts = preview.preview.map(|p| (p.assignment_changes, p.flips_to_export, p.sample.len())).unwrap();
    assert_eq!((preview.moved_count, counts), (1, (1, 1, 1)));

    let moved = move_to(&server, &org, &["builder", "mover"], "engineering").await;
    assert_eq!((moved.moved_count, moved.preview), (1, None));
    let (builder, mover) = (org.get_member("builder").await, org.get_member("mover").await);
    let pin = Pin {
        assignment: org.assignment("engineering"),
        actor: "anonymous".to_owned(),
        reason: "a project".to_owned(),
        time: mover.update_time,
    };
    assert_eq!((builder.pin.as_ref(), mover.pin.as_ref()), (Some(&pin), Some(&pin)));
    assert_eq!((mover.assignment.clone(), mover.email_export()), (pin.assignment.clone(), EmailExport::Export));
    assert_ne!(mover.etag, before.etag);

    for (name, position) in [("operations", 1), ("everyone", 1), ("engineering", 3)] {
        let request = MoveAssignmentRequest { name: org.assignment(name), position, ..Default::default() };
        server.assignments().move_assignment(request).await.unwrap();
    }
    regroup(&server, &org, "builder", "eng", "ops").await;
    regroup(&server, &org, "mover", "ops", "all").await;
    for member in ["builder", "mover"] {
        assert_eq!(org.get_member(member).await.assignment, pin.assignment, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_makes_no_sense_is_refused() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let good = moving(&org, &["loner"], "engineering");
    let members = |members: Vec<String>| MoveMembersRequest { members, ..good.clone() };
    let cases = [
        (members(vec![]), "InvalidArgument INVALID_REQUEST members"),
        (members(vec![org.member("loner"), org.group("eng")]), "InvalidArgument INVALID_REQUEST members[1]"),
        (members(vec!["organizations/other/members/loner".to_owned()]), "InvalidArgument INVALID_REQUEST members[0]"),
        (members(vec![org.member("nobody")]), "NotFound MEMBER_NOT_FOUND member=nobody"),
        (
            MoveMembersRequest { assignment: String::new(), ..good.clone() },
            "InvalidArgument INVALID_REQUEST assignment",
        ),
        (MoveMembersRequest { reason: "x".repeat(501), ..good.clone() }, "InvalidArgument INVALID_REQUEST reason"),
        (moving(&org, &["loner"], "moon"), "NotFound ASSIGNMENT_NOT_FOUND assignment=moon"),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().move_members(request)).await, expected);
    }
    assert_eq!(org.get_member("loner").await.pin, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_resolves_again_also_out_of_a_manual_assignment() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    move_to(&server, &org, &["builder", "loner"], "operations").await;
    let pinned = list(&server, all(&org)).await;
    let preview = release(&server, &org, &["builder", "keeper", "loner"], true).await;
    let Preview { assignment_changes, flips_to_export, .. } = preview.preview.unwrap();
    assert_eq!((preview.released_count, assignment_changes, flips_to_export), (2, 2, 1));
    assert_eq!(list(&server, all(&org)).await, pinned);

    let released = release(&server, &org, &["builder", "keeper", "loner"], false).await;
    assert_eq!((released.released_count, released.preview), (2, None));
    for (member, assignment) in [("builder", "engineering"), ("keeper", "operations"), ("loner", "default")] {
        let member = org.get_member(member).await;
        assert_eq!((member.assignment, member.pin), (org.assignment(assignment), None));
    }
    // Nobody has a pin any longer: nothing is written.
    let again = release(&server, &org, &["builder", "keeper"], false).await;
    assert_eq!((again.released_count, again.revision), (0, released.revision));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_verdict_is_explained() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    move_to(&server, &org, &["gone"], "everyone").await;
    regroup(&server, &org, "mover", "ops", "eng").await;
    let (engineering, operations, everyone, default) = ("engineering", "operations", "everyone", "default");
    let none = Verdict::NoSharedGroup;
    let later = Verdict::ComesLater;
    let cases = [
        (
            "builder",
            (engineering, Verdict::FirstMatch, "eng"),
            [(operations, none, ""), (everyone, later, "all"), (default, later, "")],
        ),
        (
            "gone",
            (everyone, Verdict::Pinned, ""),
            [(engineering, Verdict::PinnedElsewhere, "eng"), (operations, none, ""), (default, later, "")],
        ),
        (
            "mover",
            (operations, Verdict::StaysInManual, ""),
            [(engineering, Verdict::HeldElsewhere, "eng"), (everyone, none, ""), (default, later, "")],
        ),
        (
            "loner",
            (default, Verdict::NoOtherMatches, ""),
            [(engineering, none, ""), (operations, none, ""), (everyone, none, "")],
        ),
    ];
    for (member, winner, others) in cases {
        let request = ExplainMemberRequest { name: org.member(member), ..Default::default() };
        let explained = server.members().explain_member(request).await.unwrap().into_inner();
        let found: Vec<_> = explained
            .winner
            .iter()
            .chain(&explained.others)
            .map(|v| (v.assignment.clone(), v.verdict(), v.shared_groups.clone()))
            .collect();
        let groups = |shared: &str| if shared.is_empty() { vec![] } else { vec![org.group(shared)] };
        let expected = [winner].into_iter().chain(others);
        let expected: Vec<_> =
            expected.map(|(id, verdict, shared)| (org.assignment(id), verdict, groups(shared))).collect();
        assert_eq!(found, expected, "{member}");
        assert_eq!(explained.member.unwrap(), org.get_member(member).await);
    }
    let request = ExplainMemberRequest { name: org.member("nobody"), ..Default::default() };
    let unknown = "NotFound MEMBER_NOT_FOUND member=nobody";
    assert_eq!(refused(server.members().explain_member(request)).await, unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_by_hand_is_checked_and_can_be_previewed() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = org.get_member("keeper").await;
    let export =
        MemberMessage { email_export: EmailExport::Export.into(), name: before.name.clone(), ..Default::default() };
    let edit = |member: MemberMessage| UpdateMemberSettingsRequest { member: Some(member), ..Default::default() };
    let masked = |path: &str| {
        let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        UpdateMemberSettingsRequest { update_mask, ..edit(export.clone()) }
    };
    let seats = Some(Settings { seats: vec!["moon".to_owned()], ..Default::default() });
    let stale = format!("Aborted STALE_ETAG current_etag={} etag=0 resource={}", before.etag, before.name);
    let bad = |text: &str| format!("InvalidArgument {text}");
    let cases = [
        (
            edit(MemberMessage { settings: seats, ..export.clone() }),
            bad("UNKNOWN_SEAT_TYPE member.settings.seats seat_type=moon"),
        ),
        (edit(MemberMessage { etag: "0".to_owned(), ..export.clone() }), stale),
        (
            edit(MemberMessage { name: org.member("nobody"), ..export.clone() }),
            "NotFound MEMBER_NOT_FOUND member=nobody".to_owned(),
        ),
        (masked("assignment"), bad("INVALID_REQUEST update_mask")),
        (masked("email"), bad("FIELD_OWNED_BY_IDP member.email field=email")),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.members().update_member_settings(request)).await, expected);
    }
    let request = UpdateMemberSettingsRequest { validate_only: true, ..edit(export) };
    let preview = server.members().update_member_settings(request).await.unwrap().into_inner().preview.unwrap();
    assert_eq!((preview.flips_to_export, preview.assignment_changes, preview.sample.len()), (1, 0, 1));
    assert_eq!(org.get_member("keeper").await, before);
}

async fn csv(server: &TestServer, org: &Org<'_>, profile: CsvProfile) -> String {
    let request = ExportMembersCsvRequest { parent: org.name(), profile: profile.into() };
    let mut stream = server.members().export_members_csv(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        bytes.extend(piece.data);
    }
    String::from_utf8(bytes).unwrap()
}

const HEADER: &str = "organization,member,email,name,job_title,manager_email,status,assignment,assignment_name,\
    assignment_rank,update_mode,seats,web_conferences_recorded,prevent_web_conference_recording,\
    telephony_calls_imported,emails_imported,prevent_email_import,non_recorded_meetings_imported,\
    gong_connect_enabled,home_workspace,permission_profiles,email_export,email_export_since,email_export_source\r\n";

/// People whose ids and names are awkward, in an assignment that gives everything.
async fn awkward(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    let person = |id: &str, email: &str, names: (&str, &str), title: &str, manager: &str, status: MemberStatus| {
        DirectoryMember {
            member: id.to_owned(),
            email: email.to_owned(),
            given_name: names.0.to_owned(),
            family_name: names.1.to_owned(),
            job_title: title.to_owned(),
            manager_email: manager.to_owned(),
            status: status.into(),
        }
    };
    let mut request = org.full_sync(&[Member::new("=cmd", &["sales"]), Member::new("a", &["sales"])]);
    request.members = vec![
        person("é/ü x", "E@acme.example", ("", "É"), "", "", MemberStatus::Active),
        person("a", "a@acme.example", ("A", ""), "", "", MemberStatus::Inactive),
        person("B", "b@acme.example", ("Ada \"A\"", "Byron, L."), "", "", MemberStatus::Active),
        person("=cmd", "=cmd@acme.example", ("+1", "two"), "-Boss", "@x@acme.example", MemberStatus::Active),
    ];
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
    let request = GetCatalogRequest { name: format!("{}/catalog", org.name()), ..Default::default() };
    let mut catalog = server.organizations().get_catalog(request).await.unwrap().into_inner().catalog.unwrap();
    catalog.seat_types =
        ["gong", "engage"].map(|id| SeatType { seat_type: id.to_owned(), ..Default::default() }).into();
    let admin = || vec![PermissionProfile { profile: "admin".to_owned(), ..Default::default() }];
    let workspace = |id: &str| Workspace { workspace: id.to_owned(), profiles: admin(), ..Default::default() };
    catalog.workspaces = ["hq", "lab"].map(workspace).into();
    let request = UpdateCatalogRequest { catalog: Some(catalog), ..Default::default() };
    server.organizations().update_catalog(request).await.unwrap();
    let permission =
        |workspace: &str| WorkspacePermission { workspace: workspace.to_owned(), profile: "admin".to_owned() };
    let mut request = org.new_assignment("sales", &["sales"], AUTOMATIC, EXPORT);
    let assignment = request.assignment.as_mut().unwrap();
    assignment.display_name = "=Sales".to_owned();
    assignment.settings = Some(Settings {
        seats: vec!["gong".to_owned(), "engage".to_owned()],
        home_workspace: "hq".to_owned(),
        permissions: vec![permission("lab"), permission("hq")],
        data_capture: Some(DataCapture { emails_imported: true, ..Default::default() }),
    });
    server.assignments().create_assignment(request).await.unwrap();
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn the_csv_is_the_same_bytes_for_the_same_data_and_harmless_in_a_spreadsheet() {
    let server = TestServer::start().await;
    let org = awkward(&server).await;
    let since = org.get_member("%3Dcmd").await.email_export_since.unwrap();
    let since = DateTime::from_timestamp(since.seconds, since.nanos.unsigned_abs()).unwrap();
    let since = since.to_rfc3339_opts(SecondsFormat::Micros, true);
    let sales = format!("false,false,false,true,false,false,false,hq,hq=admin;lab=admin,EXPORT,{since},ASSIGNMENT\r\n");
    let default = "ACTIVE,default,Default,2,MANUAL_EDITING,,false,false,false,false,false,false,false,,,DO_NOT_EXPORT,,ASSIGNMENT\r\n";
    let rows = |quote: &str| {
        [
            format!("acme,{quote}=cmd,{quote}=cmd@acme.example,{quote}+1 two,{quote}-Boss,{quote}@x@acme.example,ACTIVE,sales,{quote}=Sales,1,AUTOMATIC_UPDATES,engage;gong,{sales}"),
            format!("acme,B,b@acme.example,\"Ada \"\"A\"\" Byron, L.\",,,{default}"),
            format!("acme,a,a@acme.example,A,,,INACTIVE,sales,{quote}=Sales,1,AUTOMATIC_UPDATES,,{sales}"),
            format!("acme,é/ü x,e@acme.example,É,,,{default}"),
        ]
        .concat()
    };
    assert_eq!(csv(&server, &org, CsvProfile::Raw).await, format!("{HEADER}{}", rows("")));
    for profile in [CsvProfile::Unspecified, CsvProfile::Spreadsheet, CsvProfile::Spreadsheet] {
        assert_eq!(csv(&server, &org, profile).await, format!("{HEADER}{}", rows("'")));
    }
    // In names the same ids are percent-encoded.
    let members = list(&server, all(&org)).await.members;
    assert_eq!(ids(&members), ["%3Dcmd", "B", "a", "%C3%A9%2F%C3%BC%20x"]);
    let seats =
        BTreeMap::from_iter(members.iter().zip(ids(&members)).map(|(member, id)| (id, member.held_seats.len())));
    assert_eq!(seats, BTreeMap::from([("%3Dcmd", 2), ("B", 0), ("a", 0), ("%C3%A9%2F%C3%BC%20x", 0)]));
    for member in members {
        let request = GetMemberRequest { name: member.name.clone(), ..Default::default() };
        assert_eq!(server.members().get_member(request).await.unwrap().into_inner().member, Some(member));
    }
    let request = ExportMembersCsvRequest { parent: org.name(), profile: 9 };
    assert_eq!(refused(server.members().export_members_csv(request)).await, "InvalidArgument INVALID_REQUEST profile");
    let request = ExportMembersCsvRequest { parent: "organizations/none".to_owned(), ..Default::default() };
    let unknown = "NotFound ORGANIZATION_NOT_FOUND organization=none";
    assert_eq!(refused(server.members().export_members_csv(request)).await, unknown);
}
