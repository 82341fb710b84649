//! The self-check (product.md 9): it finds planted differences and nothing else, and repairs nothing.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod planted;

use rollcall_app::App;
use rollcall_domain::OrganizationId;
use rollcall_testkit::{
    BlockedSessions, TestServer, difference, dump,
    standard::{MigrationHistory, StandardOrganization},
};
use serde_json::Value;

/// Makes a self-check and returns its differences, each as the rule and the name below the organization.
async fn check(standard: &StandardOrganization) -> Vec<String> {
    let answer = standard.make("OrganizationService/CheckOrganization", r#"{"name": "$org"}"#).await.unwrap();
    differences(standard, &answer["self_check"])
}

fn differences(standard: &StandardOrganization, check: &Value) -> Vec<String> {
    let found = check["differences"].as_array().cloned().unwrap_or_default();
    assert_eq!(check["difference_count"].as_u64().unwrap_or_default(), found.len() as u64, "{check}");
    let organization = format!("organizations/{}", standard.id());
    let line = |found: &Value| {
        let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
        assert!(!text("message").contains('@') && !text("message").is_empty(), "{found}");
        let resource = text("resource").replace(&format!("{organization}/"), "").replace(&organization, "audit");
        format!("{} {resource}", text("rule").trim_start_matches("CHECK_RULE_"))
    };
    found.iter().map(line).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_is_kept_and_listed() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let other = StandardOrganization::create(&server, "beta", MigrationHistory::CreatedMigrated).await.unwrap();
    let get =
        async || standard.make("OrganizationService/GetSelfCheck", r#"{"name": "$org/selfCheck"}"#).await.unwrap();
    let clean = get().await;
    assert_eq!(clean["self_check"]["name"], "organizations/acme/selfCheck");
    assert_eq!(clean["checked_revision"], clean["revision"]);

    server
        .database
        .client()
        .await
        .execute("DELETE FROM memberships WHERE organization_id = 'acme'", &[])
        .await
        .unwrap();
    let found = check(&standard).await;
    assert_eq!(
        found,
        ["MEMBER_ASSIGNMENT members/bob", "MEMBER_ASSIGNMENT members/cid", "MEMBER_ASSIGNMENT members/eve"]
    );
    assert_eq!(differences(&standard, &get().await["self_check"]), found);

    let list = async |request: &str| {
        let page = other.make("OrganizationService/ListSelfChecks", request).await.unwrap();
        let listed = page["self_checks"].as_array().unwrap().clone();
        let line = |check: &Value| format!("{} {}", check["name"], check["rules"]);
        listed.iter().map(line).collect::<Vec<_>>()
    };
    let rules = r#"[{"difference_count":3,"rule":"CHECK_RULE_MEMBER_ASSIGNMENT"}]"#;
    let acme = format!(r#""organizations/acme/selfCheck" {rules}"#);
    assert_eq!(list("{}").await, [acme.as_str(), r#""organizations/beta/selfCheck" null"#]);
    assert_eq!(list(r#"{"only_with_differences": true}"#).await, [acme]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_was_never_checked_has_an_empty_self_check() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    let create = r#"{"organization_id": "new", "organization": {}}"#;
    standard.make("OrganizationService/CreateOrganization", create).await.unwrap();
    let request = r#"{"name": "organizations/new/selfCheck"}"#;
    let answer = standard.make("OrganizationService/GetSelfCheck", request).await.unwrap();
    assert_eq!((&answer["self_check"]["check_time"], &answer["checked_revision"]), (&Value::Null, &Value::Null));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_uses_one_connection_and_changes_only_its_record() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    planted::plant(&server, "acme", planted::UNPLANNED_MEMBERSHIPS).await;
    let before = dump(&server.database, Some(standard.id())).await;
    let app = App::new(server.database.db_with(1), server.app.reports().clone());
    let found = app.check_organization(&OrganizationId::trusted(standard.id()), None).await.unwrap();
    assert_eq!(found.differences.total(), 1);
    let mut after = dump(&server.database, Some(standard.id())).await;
    after.insert("self_checks".to_owned(), before["self_checks"].clone());
    assert_eq!(difference(&before, &after), None);
    server.stop().await;
}

/// Makes a self-check that waits for `lock`. Then runs `change` in the transaction that holds the lock, and commits.
async fn check_while_locked(
    server: &TestServer,
    standard: &StandardOrganization,
    lock: &str,
    change: &str,
) -> Vec<String> {
    let mut holder = server.database.client().await;
    let holding = holder.transaction().await.unwrap();
    holding.batch_execute(lock).await.unwrap();
    let checking = async { check(standard).await };
    let ending = async {
        BlockedSessions::of(&server.database).await.wait_for(1).await;
        holding.batch_execute(change).await.unwrap();
        holding.commit().await.unwrap();
    };
    tokio::join!(checking, ending).0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_that_is_gone_under_the_lock_is_not_reported() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    // The read snapshot of the members shows a member without a group. Then the check waits for the organization.
    planted::plant(&server, "acme", planted::UNPLANNED_MEMBERSHIPS).await;
    let (lock, mend) = (
        "LOCK TABLE organizations IN EXCLUSIVE MODE",
        "INSERT INTO memberships (organization_id, member_id, group_id) VALUES ('acme', 'cid', 'sales')",
    );
    assert_eq!(check_while_locked(&server, &standard, lock, mend).await, Vec::<String>::new());
    planted::plant(&server, "acme", planted::UNPLANNED_MEMBERSHIPS).await;
    assert_eq!(check(&standard).await, ["MEMBER_ASSIGNMENT members/cid"]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn seats_that_were_counted_at_different_revisions_are_counted_again_under_the_lock() {
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "acme", MigrationHistory::CreatedMigrated).await.unwrap();
    standard.make("OrganizationService/UpdateCatalog", planted::LIMITED).await.unwrap();
    // The parts with members show a pending seat although seats are free. It is gone before the seats are compared: the
    // check waits for the audit, which it reads between the two.
    planted::plant(&server, "acme", planted::WAITS_FOR_FREE_SEAT).await;
    let (lock, mend) = ("LOCK TABLE audit_events", "DELETE FROM pending_seats WHERE organization_id = 'acme'");
    assert_eq!(check_while_locked(&server, &standard, lock, mend).await, Vec::<String>::new());
    planted::plant(&server, "acme", planted::WAITS_FOR_FREE_SEAT).await;
    assert_eq!(check(&standard).await, ["SEAT_TOTAL catalog"]);
    server.stop().await;
}
