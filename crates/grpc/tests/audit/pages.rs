//! Pages of events: each event appears exactly once, whatever the size of the events.

use rollcall_testkit::{
    TestServer,
    contract::Rpc,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::{Value, json};

use super::{list, number, page};

const ORG: &str = "organizations/acme";

async fn rename(acme: &StandardOrganization, name: &str) {
    let request = json!({ "organization": { "name": "$org", "display_name": name } });
    acme.make("OrganizationService/UpdateOrganization", &request.to_string()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_contain_each_event_once_while_events_are_added() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    for number in 7..=20 {
        rename(&acme, &format!("name {number}")).await;
    }
    let mut request = json!({ "parent": ORG, "page_size": 6 });
    let mut listed = Vec::new();
    for expected in [vec![20, 19, 18, 17, 16, 15], vec![14, 13, 12, 11, 10, 9], vec![8, 7, 6, 5, 4, 3], vec![2, 1]] {
        let (events, next) = page(&server, &request).await;
        listed.extend(events.iter().map(number));
        assert!(listed.ends_with(&expected), "{listed:?}");
        assert_eq!(next.is_none(), expected.ends_with(&[1]));
        request["page_token"] = json!(next);
        rename(&acme, &format!("newer {}", listed.len())).await;
    }
    assert_eq!(listed.len(), 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_valid_only_for_the_same_request() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let request = json!({ "parent": ORG, "page_size": 1 });
    let token = page(&server, &request).await.1.unwrap();
    for (field, value) in [
        ("member", json!(format!("{ORG}/members/ada"))),
        ("assignment", json!(format!("{ORG}/assignments/eng"))),
        ("start_time", json!("2026-01-01T00:00:00Z")),
        ("end_time", json!("2096-01-01T00:00:00Z")),
    ] {
        let mut other = request.clone();
        other["page_token"] = json!(token);
        other[field] = value;
        let refused = Rpc::find("AuditService/ListAuditEvents").call(&server.channel(), &other).await.unwrap_err();
        assert!(refused.message().contains("page token"), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_lists_are_truncated_and_a_page_of_large_events_stays_below_the_limit() {
    let server = TestServer::start().await;
    let acme = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let title = |round: usize, member: usize| format!("{round} {member} {}", "ü".repeat(180));
    for round in 0..25 {
        let row = |member: usize| {
            json!({
                "member": format!("m{member:03}"), "email": format!("m{member:03}@acme.example"),
                "job_title": title(round, member), "family_name": "x".repeat(100 + round), "status": "MEMBER_STATUS_ACTIVE",
            })
        };
        let rows: Vec<Value> = (0..300).map(row).collect();
        let request = json!({ "parent": "$org", "mode": "SYNC_MODE_DELTA", "members": rows });
        acme.make("DirectoryService/SyncDirectory", &request.to_string()).await.unwrap();
    }
    let mut request = json!({ "parent": ORG, "page_size": 1000 });
    let (mut sizes, mut numbers) = (Vec::new(), Vec::new());
    loop {
        let (events, next) = page(&server, &request).await;
        sizes.push(events.len());
        numbers.extend(events.iter().map(number));
        let first = &events[0]["after"]["members"];
        if first["count"] == 300.0 {
            assert_eq!(first["first"].as_array().unwrap().len(), 100);
        }
        let Some(token) = next else { break };
        request["page_token"] = json!(token);
    }
    assert!(sizes.len() > 1, "{sizes:?}");
    assert_eq!(numbers, (1..=31).rev().collect::<Vec<i64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn events_as_large_as_first_syncs_are_not_all_read_at_once() {
    let server = TestServer::start().await;
    StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    // Five events of 3.2 MB each, which do not compress.
    let large = "INSERT INTO audit_events
            (organization_id, revision, occurred_at, actor, method, resource, members_changed, after)
        SELECT 'acme', r, clock_timestamp(), 'test', 'Test', 'large', 0,
            json_build_object('members', (SELECT json_agg(md5(format('%s %s', r, i))) FROM generate_series(1, 90000) AS i))
        FROM generate_series(7, 11) AS r";
    server.database.client().await.batch_execute(large).await.unwrap();
    let request = json!({ "parent": ORG });
    let (events, next) = page(&server, &request).await;
    assert_eq!(events.iter().map(number).collect::<Vec<_>>(), [11, 10, 9]);
    assert_eq!(events[0]["after"]["members"]["count"], 90_000.0);
    assert!(next.is_some());
    assert_eq!(list(&server, &request).await.len(), 11);
}
