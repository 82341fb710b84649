//! The cost of each statement of `src/sql` in an organization of 200,000 members: a statement whose answer is small reads
//! few rows. A statement for which this cannot be so says why, in a comment line of its file that begins with
//! [`EXCEPTION`].

use std::collections::BTreeMap;

use rollcall_testkit::TestDatabase;
use serde_json::Value;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::{parameters::PARAMETERS, rules::Scope, scope_of, statements_of_files};

/// The beginning of the comment line that says why the cost of a statement grows.
const EXCEPTION: &str = "-- The cost grows with the organization: ";
/// How many rows a statement may read, however few its answer has. Postgres expects a 200th of the rows of a table for each
/// organization (ADR 8), so of an index with 10,000 rows it may read all rows instead of looking up a few.
const ALLOWANCE: f64 = 12_000.0;
/// How many rows a statement may read for each row that it returns or writes, and a scan for each row that it returns.
const RATIO: f64 = 100.0;

/// The statements that run after `prepare_bounded_reads`.
const WITHOUT_BITMAPS: [&str; 5] = [
    "compare_overtaken.sql",
    "count_waiting_members.sql",
    "list_members_to_move.sql",
    "list_overtaken_members.sql",
    "list_overtaken_of_assignments.sql",
];

fn number(node: &Value, key: &str) -> f64 {
    node[key].as_f64().unwrap_or_default()
}

/// Returns the rows that a scan returned, and those that it read and threw away. Other nodes read no table.
fn scanned(node: &Value) -> Option<(f64, f64)> {
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let is_scan = node.get("Relation Name").is_some() || kind == "Bitmap Index Scan";
    let loops = number(node, "Actual Loops");
    let removed = number(node, "Rows Removed by Filter") + number(node, "Rows Removed by Index Recheck");
    (is_scan && kind != "ModifyTable").then(|| (number(node, "Actual Rows") * loops, removed * loops))
}

fn nodes(plan: &Value) -> Vec<&Value> {
    let below = plan["Plans"].as_array().into_iter().flatten().flat_map(nodes);
    std::iter::once(plan).chain(below).collect()
}

/// Returns why a plan costs too much for the size of its answer.
fn excesses(plan: &Value) -> Vec<String> {
    let written = plan["Plans"].as_array().into_iter().flatten().map(|node| number(node, "Actual Rows"));
    let is_write = plan["Node Type"] == "ModifyTable";
    let answer = number(plan, "Actual Rows") + if is_write { written.sum() } else { 0.0 };
    let (mut found, mut read) = (Vec::new(), 0.0);
    for node in nodes(plan) {
        let Some((returned, removed)) = scanned(node) else { continue };
        read += returned + removed;
        let (kind, table) = (&node["Node Type"], node.get("Relation Name").unwrap_or(&node["Index Name"]));
        if kind == "Seq Scan" && returned + removed > ALLOWANCE {
            found.push(format!("a Seq Scan of {table} reads {} rows", returned + removed));
        }
        if removed > ALLOWANCE && removed > RATIO * returned {
            found.push(format!("a {kind} of {table} returns {returned} rows and throws {removed} away"));
        }
    }
    if read > ALLOWANCE + RATIO * answer {
        found.push(format!("reads {read} rows for an answer of {answer}"));
    }
    found
}

/// Runs a statement with values as the service does, and returns its plan. `scope` is what the transaction sets first.
/// Nothing that the statement writes remains.
async fn explain(client: &Client, scope: &str, sql: &str, values: &[&str]) -> Value {
    let numbered = values.iter().enumerate().rev();
    let sql = numbered.fold(sql.to_owned(), |sql, (index, value)| sql.replace(&format!("${}", index + 1), value));
    let explain = format!("BEGIN; {scope}; EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}; ROLLBACK");
    let answer = client.simple_query(&explain).await.unwrap_or_else(|error| panic!("{error:?}\n{sql}"));
    let rows = answer.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let plan: Value = serde_json::from_str(&rows.collect::<String>()).unwrap();
    plan[0]["Plan"].clone()
}

#[tokio::test]
async fn the_cost_of_a_statement_does_not_grow_with_the_organization_unless_its_file_says_why() {
    let parameters: BTreeMap<String, &[&str]> =
        PARAMETERS.iter().map(|(name, values)| (format!("{name}.sql"), *values)).collect();
    let files = statements_of_files();
    assert!(files.keys().eq(parameters.keys()), "parameters.rs has values for exactly the files in src/sql");
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    client.batch_execute(include_str!("large.sql")).await.unwrap();
    let client = database.service_client().await;
    let mut wrong = Vec::new();
    for (name, sql) in &files {
        let bitmaps = if WITHOUT_BITMAPS.contains(&name.as_str()) { "off" } else { "on" };
        client.batch_execute(&format!("SET enable_bitmapscan = {bitmaps}")).await.unwrap();
        let scope = match scope_of(name, sql) {
            Scope::One => "SET LOCAL rollcall.organization = 'acme'".to_owned(),
            Scope::All => format!("SET LOCAL ROLE {}", database.roles().jobs),
        };
        let excesses = excesses(&explain(&client, &scope, sql, parameters[name]).await);
        let excepted = sql.lines().any(|line| line.starts_with(EXCEPTION));
        match (excesses.is_empty(), excepted) {
            (false, false) => wrong.extend(excesses.iter().map(|excess| format!("{name}: {excess}"))),
            (true, true) => wrong.push(format!("{name}: the cost does not grow, but the file says so")),
            _ => {}
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "write why, after `{EXCEPTION}`, or read fewer rows");
}
