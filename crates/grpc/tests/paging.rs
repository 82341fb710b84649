//! Lists are read page by page while other callers change them. Items that exist throughout appear exactly once, and
//! the order holds.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use rollcall_testkit::{
    Random, TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};
use tonic::transport::Channel;

/// How often each list is read completely. The second number is for a list that grows at its beginning with each
/// page.
const READINGS: u64 = 4;
const READINGS_OF_GROWING: u64 = 2;

/// A list, with the key and the order of its items.
struct List {
    rpc: &'static str,
    request: Value,
    /// The field of the items.
    items: &'static str,
    /// Returns the key of an item.
    key: fn(&Value) -> String,
    /// Returns whether two neighbours are in order, on a page or, with `across`, in the whole list.
    ordered: fn(&Value, &Value) -> bool,
    across: bool,
    /// Whether the newest item is the first.
    grows: bool,
}

fn name(item: &Value) -> String {
    item["name"].as_str().unwrap().to_owned()
}

fn by_name(one: &Value, other: &Value) -> bool {
    name(one) < name(other)
}

fn by_rank(one: &Value, other: &Value) -> bool {
    one["rank"].as_i64() < other["rank"].as_i64()
}

fn newest_first(one: &Value, other: &Value) -> bool {
    let times = ["time", "scheduled_time", "publish_time"];
    let time = |item: &Value| times.iter().find_map(|time| item[time].as_str().map(str::to_owned));
    time(one) >= time(other)
}

/// Makes a call that must succeed.
async fn call(channel: &Channel, rpc: &str, request: Value) -> Value {
    let answer = Rpc::find(rpc).call(channel, &request).await;
    answer.unwrap_or_else(|status| panic!("{rpc} {request}: {:?} {}", status.code(), status.message()))
}

/// Makes a change. It may be refused because of a concurrent writer.
async fn change(channel: &Channel, rpc: &str, request: Value) {
    let _ = Rpc::find(rpc).call(channel, &request).await;
}

/// Reads a list to its end, with a change between any two pages. Each item of `stays` must appear exactly once.
async fn read_while<W: Future<Output = ()>>(
    server: &TestServer,
    list: &List,
    stays: &[String],
    write: impl Fn(Channel, u64) -> W,
) {
    assert!(stays.len() >= 3, "{}: {stays:?}", list.rpc);
    let (channel, mut random, mut number) = (server.channel(), Random::new(7), 0);
    let readings = if list.grows { READINGS_OF_GROWING } else { READINGS };
    for _ in 0..readings {
        let (mut read, mut token) = (Vec::<Value>::new(), String::new());
        loop {
            let size = 1 + random.below(3);
            let page = page(&channel, list, size, &token).await;
            check_order(list, &read, &page.0);
            read.extend(page.0);
            token = page.1;
            if token.is_empty() {
                break;
            }
            write(channel.clone(), number).await;
            number += 1;
        }
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        read.iter().for_each(|item| *times.entry((list.key)(item)).or_default() += 1);
        for stays in stays {
            let found = times.get(stays).copied().unwrap_or_default();
            assert_eq!(found, 1, "{}: {stays} is there {found} times", list.rpc);
        }
    }
    assert!(number >= readings, "{}: only {number} changes were made", list.rpc);
}

/// Reads a page. Returns its items and the token of the next page.
async fn page(channel: &Channel, list: &List, size: usize, token: &str) -> (Vec<Value>, String) {
    let mut request = list.request.clone();
    request["page_size"] = json!(size);
    request["page_token"] = json!(token);
    let page = call(channel, list.rpc, request).await;
    let token = page["next_page_token"].as_str().unwrap_or_default().to_owned();
    (page[list.items].as_array().cloned().unwrap_or_default(), token)
}

fn check_order(list: &List, before: &[Value], page: &[Value]) {
    let last = if list.across { before.last() } else { None };
    let neighbours = last.into_iter().chain(page).collect::<Vec<_>>();
    for pair in neighbours.windows(2) {
        assert!((list.ordered)(pair[0], pair[1]), "{}: {} before {}", list.rpc, pair[0], pair[1]);
    }
}

/// Creates an organization with the assignments `a0` to `a7`, some of them mixed, and twelve members, two in each of
/// six groups.
async fn organization(server: &TestServer, id: &str) -> Channel {
    let channel = legacy_organization(server, id).await;
    call(&channel, "JobService/RunJob", json!({ "name": "jobs/settings-migration" })).await;
    channel
}

/// The same, before the settings migration.
async fn legacy_organization(server: &TestServer, id: &str) -> Channel {
    let channel = server.channel();
    let org = format!("organizations/{id}");
    let create = json!({ "organization_id": id, "organization": { "phase": "PHASE_LEGACY" } });
    call(&channel, "OrganizationService/CreateOrganization", create).await;
    let member = |number: usize| {
        json!({ "member": format!("m{number:02}"), "email": format!("m{number}@{id}.example"),
            "status": "MEMBER_STATUS_ACTIVE" })
    };
    let membership = |number: usize| json!({ "group": format!("g{}", number % 6), "member": format!("m{number:02}") });
    let sync = json!({
        "parent": org, "mode": "SYNC_MODE_FULL", "members": (0..12).map(member).collect::<Vec<_>>(),
        "groups": (0..6).map(|group| json!({ "group": format!("g{group}") })).collect::<Vec<_>>(),
        "memberships": (0..12).map(membership).collect::<Vec<_>>(),
    });
    call(&channel, "DirectoryService/SyncDirectory", sync).await;
    for number in 0..8 {
        let assignment = json!({
            "display_name": "An assignment", "groups": [format!("{org}/groups/g{}", number % 6)],
            "update_mode": "UPDATE_MODE_AUTOMATIC_UPDATES",
        });
        let create = json!({ "parent": org, "assignment_id": format!("a{number}"), "assignment": assignment });
        call(&channel, "AssignmentService/CreateAssignment", create).await;
    }
    // The first of the two members of each group exports, so that its assignment is mixed.
    let setting =
        |number: usize| json!({ "email": format!("m{number}@{id}.example"), "email_export": "EMAIL_EXPORT_EXPORT" });
    let import = json!({ "parent": org, "settings": (0..6).map(setting).collect::<Vec<_>>() });
    call(&channel, "MigrationService/ImportLegacySettings", import).await;
    channel
}

/// Moves, creates, deletes and reorders assignments. The initial assignments stay, and stay mixed.
async fn write_assignments(channel: Channel, number: u64) {
    let (org, mut random) = ("organizations/acme", Random::new(number));
    let any = |random: &mut Random| format!("{org}/assignments/a{}", random.below(8));
    let extra = format!("x{}", random.below(3));
    match random.below(5) {
        0 | 1 => {
            let request = json!({ "name": any(&mut random), "position": 1 + random.below(8) });
            change(&channel, "AssignmentService/MoveAssignment", request).await;
        }
        2 => {
            let assignment = json!({
                "display_name": "Extra", "groups": [format!("{org}/groups/g5")], "email_export": "EMAIL_EXPORT_EXPORT"
            });
            let position = 1 + random.below(4);
            let request =
                json!({ "parent": org, "assignment_id": extra, "assignment": assignment, "position": position });
            change(&channel, "AssignmentService/CreateAssignment", request).await;
        }
        3 => {
            let request = json!({ "name": format!("{org}/assignments/{extra}"), "resolve_members": true });
            change(&channel, "AssignmentService/DeleteAssignment", request).await;
        }
        _ => {
            let listed = call(&channel, "AssignmentService/ListAssignments", json!({ "parent": org })).await;
            let names = listed["assignments"].as_array().unwrap().iter().map(name);
            let order: Vec<String> = names.filter(|name| !name.ends_with("/default")).rev().collect();
            let request = json!({ "parent": org, "assignments": order, "etag": listed["etag"] });
            change(&channel, "AssignmentService/ReorderAssignments", request).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assignments_are_listed_once_while_their_order_changes() {
    let server = TestServer::start().await;
    organization(&server, "acme").await;
    let parent = json!({ "parent": "organizations/acme" });
    let (rpc, key, ordered) = ("AssignmentService/ListAssignments", name, by_rank);
    let list = List { rpc, request: parent.clone(), items: "assignments", key, ordered, across: false, grows: false };
    let mut stays: Vec<String> = (0..8).map(|number| format!("organizations/acme/assignments/a{number}")).collect();
    stays.push("organizations/acme/assignments/default".to_owned());
    read_while(&server, &list, &stays, write_assignments).await;
    // The assignment of g5 may lose its members. The assignments of the other groups keep theirs, and stay mixed.
    let key = |item: &Value| item["assignment"].as_str().unwrap().to_owned();
    let rpc = "AssignmentService/ListMixedAssignments";
    let list = List { rpc, request: parent, items: "mixed_assignments", key, ordered, across: false, grows: false };
    read_while(&server, &list, &stays[2..5], write_assignments).await;
    // Each of them updates automatically: it is found for that as long as it is mixed.
    let key = |item: &Value| format!("{} {}", item["assignment"], item["rule"]);
    let ordered = |one: &Value, other: &Value| one["rank"].as_i64() <= other["rank"].as_i64();
    let unresolved = |name: &String| format!("\"{name}\" \"LINT_RULE_EMAIL_EXPORT_UNRESOLVED\"");
    let stays: Vec<String> = stays[2..5].iter().map(unresolved).collect();
    let (rpc, request) = ("AssignmentService/LintAssignments", json!({ "parent": "organizations/acme" }));
    let list = List { rpc, request, items: "findings", key, ordered, across: false, grows: false };
    read_while(&server, &list, &stays, write_assignments).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_assignments_do_is_listed_once_while_their_order_changes() {
    let server = TestServer::start().await;
    legacy_organization(&server, "acme").await;
    let (key, ordered) = (|item: &Value| item["assignment"].as_str().unwrap().to_owned(), by_rank);
    let assignment = |id: &str| format!("organizations/acme/assignments/{id}");
    let mut stays: Vec<String> = (0..8).map(|number| assignment(&format!("a{number}"))).collect();
    stays.push(assignment("default"));
    let (rpc, request) = ("MigrationService/PlanMigration", json!({ "name": "organizations/acme/migration" }));
    let list = List { rpc, request, items: "assignments", key, ordered, across: false, grows: false };
    read_while(&server, &list, &stays, write_assignments).await;
    // The member is in a2, because no other assignment has the group, and the others are listed.
    stays.retain(|name| *name != assignment("a2"));
    let (rpc, request) = ("MemberService/ExplainMember", json!({ "name": "organizations/acme/members/m02" }));
    let list = List { rpc, request, items: "others", key, ordered, across: false, grows: false };
    read_while(&server, &list, &stays, write_assignments).await;
    server.stop().await;
}

/// Syncs members and groups that appear and disappear. The initial ones stay.
async fn write_directory(channel: Channel, number: u64) {
    let mut random = Random::new(number);
    let mut member = || {
        let (id, status) = (random.below(24), random.pick(&["MEMBER_STATUS_ACTIVE", "MEMBER_STATUS_INACTIVE"]));
        json!({ "member": format!("m{:02}x{id}", id % 12), "email": format!("x{id}@acme.example"), "status": status })
    };
    let members = [member(), member()];
    let groups = [json!({ "group": format!("g{}x{}", number % 6, number % 10) })];
    let memberships = [json!({ "group": "g1", "member": members[0]["member"] })];
    let request = json!({
        "parent": "organizations/acme", "mode": "SYNC_MODE_DELTA", "members": members, "groups": groups,
        "memberships": memberships,
    });
    change(&channel, "DirectoryService/SyncDirectory", request).await;
    // The members who stay in a1 must be listed. Other members enter and leave it.
    let moved = json!([format!("organizations/acme/members/m{:02}", random.below(6) * 2)]);
    let request = match random.chance(50) {
        true => {
            json!({ "parent": "organizations/acme", "members": moved, "assignment": "organizations/acme/assignments/a1" })
        }
        false => json!({ "parent": "organizations/acme", "members": moved }),
    };
    let rpc = if request["assignment"].is_null() { "ReleaseMembers" } else { "MoveMembers" };
    change(&channel, &format!("MemberService/{rpc}"), request).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn members_groups_and_events_are_listed_once_while_others_are_added() {
    let server = TestServer::start().await;
    let channel = organization(&server, "acme").await;
    let parent = json!({ "parent": "organizations/acme" });
    let list = |rpc, items, request: &Value| List {
        rpc,
        request: request.clone(),
        items,
        key: name,
        ordered: by_name,
        across: true,
        grows: false,
    };
    let members: Vec<String> = (0..12).map(|number| format!("organizations/acme/members/m{number:02}")).collect();
    let members_of = list("MemberService/ListMembers", "members", &parent);
    read_while(&server, &members_of, &members, write_directory).await;

    for member in [1, 7, 3] {
        let pin = json!({
            "parent": "organizations/acme", "members": [members[member]],
            "assignment": "organizations/acme/assignments/a1"
        });
        call(&channel, "MemberService/MoveMembers", pin).await;
    }
    let of_one = json!({ "parent": "organizations/acme", "assignment": "organizations/acme/assignments/a1" });
    let stays = [1, 3, 7].map(|number| members[number].clone());
    read_while(&server, &list("MemberService/ListMembers", "members", &of_one), &stays, write_directory).await;

    let groups: Vec<String> = (0..6).map(|group| format!("organizations/acme/groups/g{group}")).collect();
    read_while(&server, &list("DirectoryService/ListGroups", "groups", &parent), &groups, write_directory).await;

    let rpc = "AuditService/ListAuditEvents";
    let events = List { ordered: newest_first, grows: true, ..list(rpc, "audit_events", &parent) };
    let stays: Vec<String> = (1..12).map(|number| format!("organizations/acme/auditEvents/{number}")).collect();
    read_while(&server, &events, &stays, write_directory).await;

    let of_event = json!({ "parent": "organizations/acme/auditEvents/2" });
    let key = |item: &Value| item["member"].as_str().unwrap().to_owned();
    let ordered = |one: &Value, other: &Value| one["member"].as_str() < other["member"].as_str();
    let touched = list("AuditService/ListAuditEventMembers", "audit_event_members", &of_event);
    let touched = List { key, ordered, ..touched };
    read_while(&server, &touched, &members, write_directory).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn email_export_changes_are_listed_once_while_others_are_made() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let flip = |channel: Channel, number: u64| async move {
        let value = ["EMAIL_EXPORT_EXPORT", "EMAIL_EXPORT_DO_NOT_EXPORT"][usize::from(number.is_multiple_of(2))];
        let member = json!({ "name": "organizations/acme/members/ada", "email_export": value });
        change(&channel, "MemberService/UpdateMemberSettings", json!({ "member": member })).await;
    };
    for number in 0..6 {
        flip(server.channel(), number).await;
    }
    let parent = json!({ "parent": "organizations/acme/members/ada" });
    let key = |change: &Value| change["revision"].as_str().unwrap().to_owned();
    let (rpc, items) = ("MemberService/ListEmailExportChanges", "changes");
    let list = List { rpc, request: parent, items, key, ordered: newest_first, across: true, grows: true };
    let so_far = standard.make(rpc, r#"{"parent": "$org/members/ada"}"#).await.unwrap();
    let stays: Vec<String> = so_far[items].as_array().unwrap().iter().map(key).collect();
    read_while(&server, &list, &stays, flip).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_and_migrations_are_listed_once_while_others_are_added() {
    let server = TestServer::start().await;
    let channel = server.channel();
    let create = |channel: Channel, number: u64| async move {
        let id = format!("o{}-{}", (number * 7) % 6, number % 5);
        let request = json!({ "organization_id": id, "organization": { "phase": "PHASE_LEGACY" } });
        change(&channel, "OrganizationService/CreateOrganization", request).await;
    };
    let run = |channel: Channel, _: u64| async move {
        change(&channel, "JobService/RunJob", json!({ "name": "jobs/mixed-settings-report" })).await;
    };
    for number in 0..6 {
        let request = json!({ "organization_id": format!("o{number}"), "organization": { "phase": "PHASE_LEGACY" } });
        call(&channel, "OrganizationService/CreateOrganization", request).await;
        run(channel.clone(), 0).await;
    }
    let list =
        |rpc, items, ordered| List { rpc, request: json!({}), items, key: name, ordered, across: true, grows: false };
    let stays: Vec<String> = (0..6).map(|number| format!("organizations/o{number}")).collect();
    let organizations = list("OrganizationService/ListOrganizations", "organizations", by_name);
    read_while(&server, &organizations, &stays, create).await;
    let stays: Vec<String> = stays.iter().map(|name| format!("{name}/migration")).collect();
    read_while(&server, &list("MigrationService/ListMigrations", "migrations", by_parent), &stays, create).await;
    let check = |channel: Channel, number: u64| async move {
        let name = format!("organizations/o{}-{}", (number * 7) % 6, number % 5);
        create(channel.clone(), number).await;
        change(&channel, "OrganizationService/CheckOrganization", json!({ "name": name })).await;
    };
    let stays: Vec<String> = (0..6).map(|number| format!("organizations/o{number}/selfCheck")).collect();
    for number in 0..6 {
        let request = json!({ "name": format!("organizations/o{number}") });
        call(&channel, "OrganizationService/CheckOrganization", request).await;
    }
    let checks = list("OrganizationService/ListSelfChecks", "self_checks", by_parent);
    read_while(&server, &checks, &stays, check).await;
    for (rpc, items, parent) in [
        ("ReportService/ListReports", "reports", json!({})),
        ("JobService/ListJobRuns", "runs", json!({ "parent": "jobs/mixed-settings-report" })),
        ("JobService/ListJobRuns", "runs", json!({ "parent": "jobs/-" })),
    ] {
        let list = List { request: parent, grows: true, ..list(rpc, items, newest_first) };
        let (now, _) = page(&channel, &list, 8, "").await;
        read_while(&server, &list, &now.iter().map(name).collect::<Vec<_>>(), run).await;
    }
    let ended = "INSERT INTO job_audit_events (run_id, job, occurred_at, state, actor, cause)
                 SELECT gen_random_uuid(), 'mixed-settings-report', now() - i / 2 * interval '1 hour', 'FAILED', '', ''
                 FROM generate_series(1, 9) AS i";
    server.database.client().await.batch_execute(ended).await.unwrap();
    let key = |item: &Value| item["run"].as_str().unwrap().to_owned();
    let events = list("AuditService/ListJobAuditEvents", "job_audit_events", newest_first);
    let events = List { request: json!({ "parent": "jobs/-" }), key, ..events };
    let (now, _) = page(&channel, &events, 100, "").await;
    read_while(&server, &events, &now.iter().map(key).collect::<Vec<_>>(), run).await;
    server.stop().await;
}

/// The order is that of the organizations' ids: `o1-1` comes after `o1`, although `o1-1/migration` comes before
/// `o1/migration`.
fn by_parent(one: &Value, other: &Value) -> bool {
    let parent = |item: &Value| name(item).rsplit_once('/').unwrap().0.to_owned();
    parent(one) < parent(other)
}

#[test]
fn every_list_that_can_change_is_covered() {
    let source = include_str!("paging.rs");
    // The release fixes the list of jobs.
    for rpc in Rpc::all().iter().filter(|rpc| rpc.takes("page_token") && rpc.name() != "JobService/ListJobs") {
        assert!(source.contains(&format!("\"{}\"", rpc.name())), "{} is not read here", rpc.name());
    }
}
