//! Every change of an organization creates one audit event that describes the change.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_testkit::{
    TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{list, number, numbers};

const MEMBERS: [&str; 5] = ["ada", "bob", "cid", "dot", "eve"];
const ASSIGNMENTS: [&str; 3] = ["default", "eng", "sales"];

/// Changes of a standard organization, each with its request.
const CHANGES: &[(&str, &str)] = &[
    (
        "OrganizationService/UpdateOrganization",
        r#"{"organization": {"name": "$org", "display_name": "New", "email_domains": ["$id.example"]}}"#,
    ),
    (
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "display_name": "Sales"}}"#,
    ),
    (
        "AssignmentService/UpdateAssignment",
        r#"{"assignment": {"name": "$org/assignments/sales", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}}"#,
    ),
    (
        "MemberService/UpdateMemberSettings",
        r#"{"member": {"name": "$org/members/ada", "email_export": "EMAIL_EXPORT_EXPORT"}}"#,
    ),
    ("AssignmentService/MoveAssignment", r#"{"name": "$org/assignments/eng", "position": 1}"#),
    (
        "AssignmentService/ReorderAssignments",
        r#"{"parent": "$org", "assignments": ["$org/assignments/sales", "$org/assignments/eng"], "etag": "$order_etag"}"#,
    ),
    ("MemberService/ReleaseMembers", r#"{"parent": "$org", "members": ["$org/members/dot", "$org/members/ada"]}"#),
    (
        "DirectoryService/SyncDirectory",
        r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [
            {"member": "cid", "email": "cid@$id.example", "given_name": "Sid", "status": "MEMBER_STATUS_ACTIVE"}
        ], "removed_memberships": [{"group": "sales", "member": "eve"}], "groups": [{"group": "idle", "display_name": "Idle"}]}"#,
    ),
    ("AssignmentService/DeleteAssignment", r#"{"name": "$org/assignments/eng", "resolve_members": true}"#),
];

/// The expected events: number, method and resource; the counts of members, assignment changes, flips to EXPORT,
/// flips to DO_NOT_EXPORT and settings changes; then the touched members and assignments.
const SAID: &[&str] = &[
    "1 CreateOrganization acme 0 0 0 0 0: default",
    "2 UpdateCatalog acme/catalog 0 0 0 0 0:",
    "3 SyncDirectory acme/directory 5 5 0 0 5: ada bob cid dot eve default",
    "4 CreateAssignment acme/assignments/sales 3 3 3 0 3: bob cid eve default sales",
    "5 CreateAssignment acme/assignments/eng 1 1 0 0 1: ada default eng",
    "6 MoveMembers acme/members 1 1 0 0 1: dot default eng",
    "7 UpdateOrganization acme 0 0 0 0 0:",
    "8 UpdateAssignment acme/assignments/sales 0 0 0 0 0: sales",
    "9 UpdateAssignment acme/assignments/sales 3 0 0 3 0: bob cid eve sales",
    "10 UpdateMemberSettings acme/members/ada 1 0 1 0 0: ada",
    "11 MoveAssignment acme/assignments/eng 1 1 0 0 0: bob eng sales",
    "12 ReorderAssignments acme/assignments 0 0 0 0 0: eng sales",
    "13 ReleaseMembers acme/members 1 1 0 0 1: dot default eng",
    "14 SyncDirectory acme/directory 2 1 0 0 1: cid eve default sales",
    "15 DeleteAssignment acme/assignments/eng 2 2 0 1 1: ada bob default eng sales",
];

/// Returns an event as one line.
fn said(event: &Value, touched: &BTreeMap<i64, Vec<&str>>) -> String {
    let (number, text) = (number(event), |field: &str| event[field].as_str().unwrap());
    let count = |field: &str| event[field].as_i64().unwrap_or(0).to_string();
    let counts =
        ["member_count", "assignment_changes", "flips_to_export", "flips_to_do_not_export", "settings_changes"];
    let resource = text("resource").strip_prefix("organizations/").unwrap();
    let touched = touched.get(&number).map(|touched| format!(" {}", touched.join(" "))).unwrap_or_default();
    format!("{number} {} {resource} {}:{touched}", text("method"), counts.map(count).join(" "))
}

/// Returns the members and assignments that each event touched, from the filtered lists of each member and
/// assignment.
async fn touched(server: &TestServer, org: &str) -> BTreeMap<i64, Vec<&'static str>> {
    let mut touched: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    let members = MEMBERS.map(|member| ("member", member)).into_iter();
    for (kind, id) in members.chain(ASSIGNMENTS.map(|assignment| ("assignment", assignment))) {
        let request = json!({ "parent": org, kind: format!("{org}/{kind}s/{id}") });
        for number in numbers(server, &request).await {
            touched.entry(number).or_default().push(id);
        }
    }
    touched
}

#[tokio::test(flavor = "multi_thread")]
async fn every_change_creates_one_event_that_describes_it() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let org = "organizations/acme";
    let all = json!({ "parent": org });
    for (index, (rpc, template)) in CHANGES.iter().enumerate() {
        let before = list(&server, &all).await.len();
        let mut request = acme.request(template).await.unwrap();
        request["validate_only"] = json!(true);
        Rpc::find(rpc).call(&server.channel(), &request).await.unwrap();
        assert_eq!(list(&server, &all).await.len(), before, "{rpc} was only checked");

        let id = Uuid::from_u128(index as u128 + 1).to_string();
        request["validate_only"] = json!(false);
        request["request_id"] = json!(id);
        for _ in 0..2 {
            let answer = Rpc::find(rpc).call(&server.channel(), &request).await.unwrap();
            let events = list(&server, &all).await;
            assert_eq!(events.len(), before + 1, "{rpc} makes one event, however often it is asked for");
            assert_eq!((&events[0]["revision"], &events[0]["request_id"]), (&answer["revision"], &json!(id)));
            assert_eq!(events[0]["actor"], "anonymous");
        }
    }
    let touched = touched(&server, org).await;
    let events = list(&server, &all).await;
    let lines: Vec<String> = events.iter().rev().map(|event| said(event, &touched)).collect();
    assert_eq!(lines, SAID, "{lines:#?}");

    // The list above contains every change of an organization in the contract, except those of the migration.
    let made: BTreeSet<&str> = events.iter().map(|event| event["method"].as_str().unwrap()).collect();
    let changes = Rpc::all().into_iter().filter(|rpc| rpc.takes("request_id")).map(|rpc| rpc.name());
    let missing: Vec<String> = changes.filter(|name| !made.contains(name.split_once('/').unwrap().1)).collect();
    let elsewhere = [
        "JobService/RunJob",
        "JobService/CancelJobRun",
        "MigrationService/ImportLegacySettings",
        "MigrationService/RollBackMigration",
        "MigrationService/RetryMigration",
        "MigrationService/ChangeMigrations",
    ];
    assert_eq!(missing.iter().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(elsewhere));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_is_an_event_of_its_job() {
    let server = TestServer::start().await;
    let old = StandardOrganization::create(&server, "old", MigrationHistory::RolledBack).await.unwrap();
    old.make("MigrationService/RetryMigration", r#"{"name": "$org/migration"}"#).await.unwrap();
    let touched = touched(&server, "organizations/old").await;
    let events = list(&server, &json!({ "parent": "organizations/old" })).await;
    let lines: Vec<String> = events.iter().rev().map(|event| said(event, &touched)).collect();
    let expected = [
        "7 ImportLegacySettings old/legacySettings 3 0 0 0 0: ada bob cid",
        "8 settings-migration old/migration 5 0 0 0 0: ada bob cid dot eve default eng sales",
        "9 RollBackMigration old/migration 5 0 0 0 0: ada bob cid dot eve default eng sales",
        "10 RetryMigration old/migration 0 0 0 0 0:",
    ];
    assert_eq!(lines[6..], expected, "{lines:#?}");
    let actors: Vec<&str> = events.iter().rev().map(|event| event["actor"].as_str().unwrap()).collect();
    assert_eq!(actors[6..], ["anonymous", "jobs/settings-migration", "anonymous", "anonymous"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_has_the_values_before_and_after() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    for (rpc, template) in CHANGES {
        acme.make(rpc, template).await.unwrap();
    }
    let mut events = list(&server, &json!({ "parent": "organizations/acme" })).await;
    events.reverse();
    let change = |number: usize| (events[number - 1]["before"].clone(), events[number - 1]["after"].clone());
    assert_eq!(
        change(7),
        (
            json!({ "display_name": "acme", "email_domains": [] }),
            json!({ "display_name": "New", "email_domains": ["acme.example"] }),
        )
    );
    assert_eq!(change(6).0, json!({ "members": [{ "member": "dot", "assignment": "default" }] }));
    assert_eq!(
        change(13),
        (
            json!({ "members": [{ "member": "dot", "assignment": "eng", "pin": "eng" }] }),
            json!({ "members": [{ "member": "dot", "assignment": "default" }] }),
        )
    );
    let (before, after) = change(8);
    assert_eq!(
        (&before["assignment"]["display_name"], &after["assignment"]["display_name"]),
        (&json!("sales"), &json!("Sales"))
    );
    let (before, after) = change(10);
    assert_eq!((&before["email_export"], &after["email_export"]), (&json!("DO_NOT_EXPORT"), &json!("EXPORT")));
    assert_eq!((&before["settings"]["seats"], &before["settings"]), (&json!(["gong"]), &after["settings"]));
    assert_eq!(change(11), (json!({ "rank": 2.0 }), json!({ "rank": 1.0 })));
    let (before, after) = change(14);
    let name = |sync: &Value, name: &str| {
        let (member, group) = (&sync["members"][0], &sync["groups"][0]);
        assert_eq!((&member["member"], &group["group"]), (&json!("cid"), &json!("idle")));
        assert_eq!(member["identity"]["given_name"], json!(name));
        group["display_name"].clone()
    };
    assert_eq!((name(&before, "Cid"), name(&after, "Sid")), (json!("idle"), json!("Idle")));
    assert_eq!((&before["members"][1], &after["memberships_removed"]), (&Value::Null, &json!({ "sales": ["eve"] })));
    assert_eq!(change(1).0, Value::Null, "a new value had no value before");
    assert_eq!(change(15).1, Value::Null, "an absent value has no value afterwards");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_event_records_the_replaced_pin() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    for assignment in ["eng", "eng", "sales"] {
        let to = format!(
            r#"{{"parent": "$org", "members": ["$org/members/bob"], "assignment": "$org/assignments/{assignment}"}}"#
        );
        acme.make("MemberService/MoveMembers", &to).await.unwrap();
    }
    let mut events = list(&server, &json!({ "parent": "organizations/acme" })).await;
    events.truncate(3);
    let before: Vec<Value> = events.iter().rev().map(|event| event["before"]["members"][0].clone()).collect();
    let was = |assignment: &str, pin: Option<&str>| match pin {
        Some(pin) => json!({ "member": "bob", "assignment": assignment, "pin": pin }),
        None => json!({ "member": "bob", "assignment": assignment }),
    };
    assert_eq!(before, [was("sales", None), was("eng", Some("eng")), was("eng", Some("eng"))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_takes_the_agreed_value_records_it() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let update = |mode: &str| {
        let mode = format!("UPDATE_MODE_{mode}");
        json!({ "assignment": { "name": "$org/assignments/eng", "update_mode": mode } }).to_string()
    };
    for value in ["EXPORT", "DO_NOT_EXPORT"] {
        for member in ["ada", "dot"] {
            let edit =
                json!({ "name": format!("$org/members/{member}"), "email_export": format!("EMAIL_EXPORT_{value}") });
            acme.make("MemberService/UpdateMemberSettings", &json!({ "member": edit }).to_string()).await.unwrap();
        }
        acme.make("AssignmentService/UpdateAssignment", &update("AUTOMATIC_UPDATES")).await.unwrap();
        let event = list(&server, &json!({ "parent": "organizations/acme" })).await.remove(0);
        assert_eq!(event["after"]["assignment"]["chosen"], json!(value), "{event:#}");
        acme.make("AssignmentService/UpdateAssignment", &update("MANUAL_EDITING")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_records_the_legacy_settings_that_it_replaces() {
    let server = TestServer::start().await;
    let old = StandardOrganization::create(&server, "old", MigrationHistory::Legacy).await.unwrap();
    let row = |email: &str, value: &str| json!({ "email": email, "email_export": format!("EMAIL_EXPORT_{value}") });
    let waits = json!({ "parent": "$org", "settings": [row("new@old.example", "EXPORT")] });
    old.make("MigrationService/ImportLegacySettings", &waits.to_string()).await.unwrap();
    let settings = ["ada@old.example", "dot@old.example", "new@old.example"].map(|email| row(email, "DO_NOT_EXPORT"));
    let again = json!({ "parent": "$org", "settings": settings });
    old.make("MigrationService/ImportLegacySettings", &again.to_string()).await.unwrap();
    let event = &list(&server, &json!({ "parent": "organizations/old" })).await[0];
    assert_eq!(event["before"], json!({ "bound": { "ada": true }, "unmatched": { "new@old.example": true } }));
    let (bound, unmatched) = (json!({ "ada": false, "dot": false }), json!({ "new@old.example": false }));
    assert_eq!((&event["after"]["bound"], &event["after"]["unmatched"]), (&bound, &unmatched));
    assert_eq!(event["member_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_creates_no_event() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let all = json!({ "parent": "organizations/acme" });
    let before = list(&server, &all).await;
    for (rpc, template) in [
        ("OrganizationService/UpdateOrganization", r#"{"organization": {"name": "$org", "etag": "0"}}"#),
        ("AssignmentService/UpdateAssignment", r#"{"assignment": {"name": "$org/assignments/nobody"}}"#),
        ("MemberService/UpdateMemberSettings", r#"{"member": {"name": "$org/members/bob", "email_export": 2}}"#),
        ("AssignmentService/DeleteAssignment", r#"{"name": "$org/assignments/eng"}"#),
        ("MigrationService/ImportLegacySettings", r#"{"parent": "$org"}"#),
    ] {
        acme.make(rpc, template).await.unwrap_err();
    }
    assert_eq!(list(&server, &all).await, before);
}
