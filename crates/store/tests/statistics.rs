//! Query plans for an organization without statistics beside large ones with statistics: members are looked up, and
//! never all read once for each member.

#![allow(clippy::unwrap_used)]

#[path = "statements/observe.rs"]
mod observe;

use rollcall_domain::{Email, OrganizationId};
use rollcall_store::email_export::{FoundSubject, SubjectKey, find_subject};
use rollcall_testkit::TestDatabase;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

const MEMBERS: i64 = 3_000;

/// Creates an organization with 3,000 members in one assignment, with three memberships each and 300 pins.
async fn fill(client: &Client, organization: &str) {
    let sql = include_str!("statistics.sql").replace("$1", &format!("'{organization}'"));
    client.batch_execute(&sql.replace("$2", &MEMBERS.to_string())).await.unwrap();
}

/// The statements that join members with other rows of members, for the organization `young`.
const STATEMENTS: [(&str, &str, &[&str]); 8] = [
    (
        "members of an assignment",
        include_str!("../src/sql/list_member_states.sql"),
        &["'young'", "'a'", "'{}'", "'{}'", "'{}'"],
    ),
    (
        "members of a group",
        include_str!("../src/sql/list_member_states.sql"),
        &["'young'", "NULL", "'{g0}'", "'{}'", r#"'{"g0": 1}'"#],
    ),
    ("all members", include_str!("../src/sql/list_known_members.sql"), &["'young'", "NULL", "'{}'"]),
    ("a page", include_str!("../src/sql/list_members.sql"), &["'young'", "NULL", "''", "500", "NULL"]),
    ("the CSV", include_str!("../src/sql/list_member_rows.sql"), &["'young'", "''", "500"]),
    ("what is mixed", include_str!("../src/sql/list_reported_assignments.sql"), &["'young'"]),
    ("the mixed CSV", include_str!("../src/sql/list_reported_members.sql"), &["'young'", "'{a}'"]),
    ("counts", include_str!("../src/sql/count_members.sql"), &["'young'", "NULL"]),
];

/// Runs a statement. Returns its plan.
async fn explain(client: &Client, sql: &str) -> Value {
    let answer = client.simple_query(&format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")).await.unwrap();
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(&rows.collect::<String>()).unwrap();
    plan[0]["Plan"].clone()
}

/// Returns the number of rows that a plan touched: the rows that its nodes returned or removed, in all loops.
fn touched(plan: &Value) -> f64 {
    let number = |key: &str| plan[key].as_f64().unwrap_or_default();
    let thrown = number("Rows Removed by Join Filter") + number("Rows Removed by Filter");
    let own = (number("Actual Rows") + thrown) * number("Actual Loops");
    own + plan["Plans"].as_array().into_iter().flatten().map(touched).sum::<f64>()
}

#[tokio::test]
async fn a_new_organization_is_not_read_once_for_each_member() {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    fill(&client, "large-1").await;
    fill(&client, "large-2").await;
    client.batch_execute("ANALYZE").await.unwrap();
    fill(&client, "young").await;
    client.batch_execute("SET statement_timeout = '60s'").await.unwrap();
    for (name, sql, arguments) in STATEMENTS {
        let sql = arguments
            .iter()
            .enumerate()
            .fold(sql.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index + 1), value));
        let plan = explain(&client, &sql).await;
        let rows = touched(&plan);
        assert!(rows < 40.0 * MEMBERS as f64, "{name}: {rows} rows\n{plan:#}");
    }
}

#[tokio::test]
async fn a_look_up_by_address_reads_no_other_members() {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    fill(&client, "large").await;
    client.batch_execute("ANALYZE").await.unwrap();
    observe::start();
    let email = Email::parse("7@company.example").unwrap();
    let found = find_subject(&database.db(), &OrganizationId::trusted("large"), &SubjectKey::Email(email)).await;
    assert!(matches!(found.unwrap().subject, FoundSubject::Address(holdings) if holdings.len() == 1));
    let check = observe::statements().into_iter().find(|sql| sql.contains(r#""address_holdings"."email" = "#)).unwrap();
    let check = check.replace("$1", "'7@company.example'").replace("$2", "'large'");
    let holders = include_str!("../src/sql/list_address_holders.sql");
    let holders = holders.replace("$1", "'large'").replace("$2", "'{7@company.example, 9@company.example}'");
    for sql in [check, holders] {
        let plan = explain(&client, &sql).await;
        assert!(touched(&plan) < 50.0, "{sql}\n{plan:#}");
    }
}

#[tokio::test]
async fn tables_of_members_have_no_statistics_of_organizations() {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    let sql = "SELECT c.relname::text FROM pg_attribute AS a
               INNER JOIN pg_class AS c ON a.attrelid = c.oid
               WHERE a.attname = 'organization_id' AND a.attstattarget <> 0
                   AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
                   AND (c.relname = 'members' OR EXISTS (
                       SELECT FROM pg_attribute AS m WHERE m.attrelid = c.oid AND m.attname = 'member_id'
                   ))";
    let wrong: Vec<String> = client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(wrong, Vec::<String>::new(), "see migrations/README.md");
}
