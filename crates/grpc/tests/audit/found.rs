//! Events are found by the members and assignments they touched, and by time.

use prost_types::Timestamp;
use rollcall_proto::v1::ListAuditEventsRequest;
use rollcall_testkit::{
    TestServer,
    contract::Rpc,
    refused,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};

use super::{list, number, numbers, page};

const ORG: &str = "organizations/acme";

/// Returns the numbers of the events that touched a member, without the events that created the organization.
async fn touched(server: &TestServer, member: &str) -> Vec<i64> {
    let request = json!({ "parent": ORG, "member": format!("{ORG}/members/{member}") });
    numbers(server, &request).await.into_iter().filter(|number| *number > 6).collect()
}

fn row(member: &str, job_title: &str, status: &str) -> Value {
    let status = format!("MEMBER_STATUS_{status}");
    json!({ "member": member, "email": format!("{member}@acme.example"), "job_title": job_title, "status": status })
}

async fn delta(acme: &StandardOrganization, mut rows: Value) {
    rows["parent"] = json!("$org");
    rows["mode"] = json!("SYNC_MODE_DELTA");
    acme.make("DirectoryService/SyncDirectory", &rows.to_string()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_that_touched_a_member_is_found() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    // 7: identity; 8: groups, while a pin holds; 9: inactive; 10: active again; 11: only pinned; 12: the pin goes.
    delta(&acme, json!({ "members": [row("dot", "Boss", "ACTIVE")] })).await;
    delta(&acme, json!({ "memberships": [{ "group": "sales", "member": "dot" }] })).await;
    delta(&acme, json!({ "members": [row("dot", "Boss", "INACTIVE")] })).await;
    delta(&acme, json!({ "members": [row("dot", "Boss", "ACTIVE")] })).await;
    let pin = r#"{"parent": "$org", "members": ["$org/members/ada"], "assignment": "$org/assignments/eng"}"#;
    acme.make("MemberService/MoveMembers", pin).await.unwrap();
    acme.make("MemberService/ReleaseMembers", r#"{"parent": "$org", "members": ["$org/members/ada"]}"#).await.unwrap();
    assert_eq!(touched(&server, "dot").await, [7, 8, 9, 10]);
    assert_eq!(touched(&server, "bob").await, [] as [i64; 0]);
    assert_eq!(touched(&server, "ada").await, [11, 12]);
    for event in list(&server, &json!({ "parent": ORG })).await.iter().take(6) {
        assert_eq!(event["member_count"], 1, "{event}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_found_by_the_member_who_got_a_freed_seat() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    // ada, bob, cid and dot hold `gong`. A new member has a pending seat until cid becomes inactive.
    let catalog = r#"{"catalog": {"name": "$org/catalog", "seat_types": [{"seat_type": "gong", "total": 4}], "etag": "$catalog_etag"}}"#;
    acme.make("OrganizationService/UpdateCatalog", catalog).await.unwrap();
    let newcomer =
        json!({ "members": [row("zoe", "", "ACTIVE")], "memberships": [{ "group": "sales", "member": "zoe" }] });
    delta(&acme, newcomer).await;
    delta(&acme, json!({ "members": [row("cid", "", "INACTIVE")] })).await;
    let member = acme.make("MemberService/GetMember", r#"{"name": "$org/members/zoe"}"#).await.unwrap();
    assert_eq!(member["member"]["held_seats"], json!(["gong"]), "{member}");
    assert_eq!(touched(&server, "zoe").await, [8, 9]);
    assert_eq!(list(&server, &json!({ "parent": ORG })).await[0]["member_count"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_deleted_assignment_can_be_listed() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let delete = r#"{"name": "$org/assignments/eng", "resolve_members": true}"#;
    acme.make("AssignmentService/DeleteAssignment", delete).await.unwrap();
    let of = |assignment: &str| json!({ "parent": ORG, "assignment": format!("{ORG}/assignments/{assignment}") });
    assert_eq!(numbers(&server, &of("eng")).await, [5, 6, 7]);
    assert_eq!(numbers(&server, &of("never")).await, [] as [i64; 0]);
    let member = json!({ "parent": ORG, "member": format!("{ORG}/members/never") });
    assert_eq!(numbers(&server, &member).await, [] as [i64; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_condition_must_hold() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let events = list(&server, &json!({ "parent": ORG })).await;
    let time = |wanted: i64| events.iter().find(|event| number(event) == wanted).unwrap()["time"].clone();
    let both = json!({
        "parent": ORG, "member": format!("{ORG}/members/dot"), "assignment": format!("{ORG}/assignments/default")
    });
    assert_eq!(numbers(&server, &both).await, [3, 6]);
    let cases = [
        (json!({ "start_time": time(3) }), vec![3, 4, 5, 6]),
        (json!({ "end_time": time(3) }), vec![1, 2]),
        (json!({ "start_time": time(2), "end_time": time(5) }), vec![2, 3, 4]),
        (json!({ "start_time": time(3), "end_time": time(3) }), vec![]),
        (json!({ "start_time": "9999-12-31T23:59:59Z" }), vec![]),
        (json!({ "end_time": "9999-12-31T23:59:59Z" }), vec![1, 2, 3, 4, 5, 6]),
        (json!({ "start_time": "0001-01-01T00:00:00Z" }), vec![1, 2, 3, 4, 5, 6]),
        (json!({ "end_time": "0001-01-01T00:00:00Z" }), vec![]),
    ];
    for (times, expected) in cases {
        let asked = |request: &Value| {
            let mut request = request.clone();
            request.as_object_mut().unwrap().extend(times.as_object().unwrap().clone());
            request
        };
        assert_eq!(numbers(&server, &asked(&json!({ "parent": ORG }))).await, expected, "{times}");
        let expected: Vec<i64> = expected.into_iter().filter(|number| [3, 6].contains(number)).collect();
        assert_eq!(numbers(&server, &asked(&both)).await, expected, "{times}");
    }
    // A nanosecond is below the precision of the database, but is not zero.
    let mut beyond = time(3).as_str().unwrap().to_owned();
    beyond.truncate(19);
    let micros =
        time(3).as_str().unwrap().get(20..26).map_or_else(|| "000000".to_owned(), |digits| digits.replace('Z', "0"));
    beyond.push_str(&format!(".{micros}001Z"));
    assert_eq!(numbers(&server, &json!({ "parent": ORG, "start_time": beyond })).await, [4, 5, 6]);
    assert_eq!(numbers(&server, &json!({ "parent": ORG, "end_time": beyond })).await, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_request_is_refused_with_all_violations() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let ask = async |request: Value| {
        let rpc = Rpc::find("AuditService/ListAuditEvents");
        let answer = async { rpc.call(&server.channel(), &request).await.map(tonic::Response::new) };
        refused(answer).await
    };
    let wrong = json!({
        "parent": ORG, "member": "organizations/other/members/ada", "assignment": "eng",
        "start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z",
        "page_size": -1, "page_token": "x", "at_least_revision": "x",
    });
    let fields = "member assignment end_time at_least_revision page_token page_size";
    assert_eq!(ask(wrong).await, format!("InvalidArgument INVALID_REQUEST {fields}"));
    for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0), (0, -1), (0, 1_000_000_000)] {
        let start_time = Some(Timestamp { seconds, nanos });
        let request = ListAuditEventsRequest { parent: ORG.to_owned(), start_time, ..Default::default() };
        let call = refused(server.audit().list_audit_events(request)).await;
        assert_eq!(call, "InvalidArgument INVALID_REQUEST start_time", "{seconds} {nanos}");
    }
    let nobody = ask(json!({ "parent": "organizations/nobody" })).await;
    assert_eq!(nobody, "NotFound ORGANIZATION_NOT_FOUND organization=nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_is_named_with_percent_encoding() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    delta(
        &acme,
        json!({ "members": [{ "member": "a/b c", "email": "x@acme.example", "status": "MEMBER_STATUS_ACTIVE" }] }),
    )
    .await;
    let name = format!("{ORG}/members/a%2Fb%20c");
    let edit = json!({ "member": { "name": name, "email_export": "EMAIL_EXPORT_EXPORT" } }).to_string();
    acme.make("MemberService/UpdateMemberSettings", &edit).await.unwrap();
    let (events, next) = page(&server, &json!({ "parent": ORG, "member": name })).await;
    assert_eq!((events.len(), next), (2, None));
    assert_eq!(events[0]["resource"], json!(name));
}
