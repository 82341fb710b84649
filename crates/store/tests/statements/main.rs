//! Every statement of the store can run on a database that is distributed by organization: the statements in `src/sql`,
//! and those that diesel builds, which are observed while every RPC and every job runs.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod cost;
mod isolation;
mod level;
mod observe;
mod parameters;
mod plans;
mod planted;
mod rules;

use std::{collections::BTreeMap, fs};

use rollcall_testkit::{
    TestDatabase, TestServer,
    samples::SAMPLES,
    standard::{MigrationHistory, StandardOrganization},
};
use sqlparser::ast::{SetExpr, Statement};

use crate::rules::{Schema, Scope};

/// The statements about all organizations: jobs and lists of an operator send them, page by page.
const ABOUT_ALL_ORGANIZATIONS: [&str; 12] = [
    "list_due_self_checks.sql",
    "list_migration_sizes.sql",
    "list_migration_tallies.sql",
    "list_migrations.sql",
    "list_newest_migration_states.sql",
    "list_pending_migrations.sql",
    "list_self_checks.sql",
    // Lists of organizations.
    r#" FROM "organizations" WHERE ("organizations"."id" > $1) ORDER BY "organizations"."id" LIMIT $2"#,
    r#" FROM "organizations" WHERE (("organizations"."id" > $1) AND ("organizations"."holdings_revision" != "#,
    r#" FROM "organizations" WHERE ("organizations"."id" = ANY($1))"#,
    // The failures of a run.
    r#" WHERE (("settings_migrations"."state" = $1) AND ("settings_migrations"."updated_at" >= $2))"#,
    r#" FROM "settings_migrations" WHERE ("settings_migrations"."set_aside_by" = $1)"#,
];

/// Changes whose statements no sample sends: members who wait for a seat, who have new addresses, who exchange theirs,
/// and who leave a group. The limit on mass changes makes the sync count the active members. An assignment without members
/// is overtaken. The organization is in memory during these changes, and what they touch is read.
const MORE_CHANGES: [(&str, &str); 8] = [
    ("EmailExportService/CheckEmailExport", r#"{"parent": "$org", "email": "ada@$id.example"}"#),
    (
        "OrganizationService/UpdateOrganization",
        r#"{"organization": {"name": "$org", "mass_change_limit": {"members": 0, "percent": 100}},
            "update_mask": "massChangeLimit"}"#,
    ),
    (
        "OrganizationService/UpdateCatalog",
        r#"{"catalog": {
            "name": "$org/catalog", "seat_types": [{"seat_type": "gong", "total": 1}], "etag": "$catalog_etag"
        }}"#,
    ),
    (
        "DirectoryService/SyncDirectory",
        r#"{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [
            {"member": "ada", "email": "bob@$id.example", "status": "MEMBER_STATUS_ACTIVE"},
            {"member": "bob", "email": "ada@$id.example", "status": "MEMBER_STATUS_ACTIVE"},
            {"member": "gil", "email": "gil@$id.example", "status": "MEMBER_STATUS_ACTIVE"}
        ], "memberships": [{"group": "sales", "member": "gil"}],
        "removed_memberships": [{"group": "sales", "member": "cid"}]}"#,
    ),
    (
        "OrganizationService/UpdateCatalog",
        r#"{"catalog": {
            "name": "$org/catalog", "seat_types": [{"seat_type": "gong", "total": 9}], "etag": "$catalog_etag"
        }}"#,
    ),
    (
        "MemberService/MoveMembers",
        r#"{"parent": "$org", "members": ["$org/members/bob", "$org/members/cid", "$org/members/eve", "$org/members/gil"],
            "assignment": "$org/assignments/default"}"#,
    ),
    ("AssignmentService/MoveAssignment", r#"{"name": "$org/assignments/eng", "position": 1}"#),
    ("EmailExportService/CheckEmailExport", r#"{"parent": "$org", "email": "ada@$id.example"}"#),
];

/// A catalog without a seat type that assignments have: the refusal counts them.
const CATALOG_IN_USE: &str = r#"{"catalog": {"name": "$org/catalog", "etag": "$catalog_etag"}}"#;

/// Returns the statements of `src/sql` by the name of the file.
fn statements_of_files() -> BTreeMap<String, String> {
    let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/sql")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths.map(|path| (path.file_name().unwrap().to_string_lossy().into(), fs::read_to_string(path).unwrap())).collect()
}

fn scope_of(name: &str, sql: &str) -> Scope {
    match ABOUT_ALL_ORGANIZATIONS.iter().any(|known| name == *known || sql.contains(known)) {
        true => Scope::All,
        false => Scope::One,
    }
}

/// Returns a sync whose document in the audit is large.
fn large_sync() -> String {
    let row = |number: usize| {
        let title = "x".repeat(200);
        format!(
            r#"{{"member": "large-{number}", "email": "large-{number}@$id.example", "job_title": "{title}",
                "given_name": "{title}", "family_name": "{title}", "status": "MEMBER_STATUS_ACTIVE"}}"#
        )
    };
    let rows: Vec<String> = (0..500).map(row).collect();
    format!(r#"{{"parent": "$org", "mode": "SYNC_MODE_DELTA", "members": [{}]}}"#, rows.join(","))
}

/// Runs every RPC and every job, and returns the statements by name: the name of the file, or the text itself.
async fn statements_of_all_calls() -> BTreeMap<String, String> {
    observe::start();
    let server = TestServer::start().await;
    let standard = StandardOrganization::create(&server, "first", MigrationHistory::Legacy).await.unwrap();
    for job in ["settings-migration", "mixed-settings-report", "housekeeping", "self-check"] {
        standard.make("JobService/RunJob", &format!(r#"{{"name": "jobs/{job}"}}"#)).await.unwrap();
    }
    for (number, sample) in SAMPLES.iter().enumerate() {
        let standard = StandardOrganization::create(&server, &format!("o{number}"), sample.history).await.unwrap();
        standard.make(sample.rpc, sample.request).await.unwrap();
    }
    for (rpc, request) in MORE_CHANGES {
        standard.make(rpc, request).await.unwrap();
    }
    standard.make("DirectoryService/SyncDirectory", &large_sync()).await.unwrap();
    standard.make("OrganizationService/UpdateCatalog", CATALOG_IN_USE).await.unwrap_err();
    // The holdings of addresses are filled in, as after the first writes of an older release.
    let forget = "DELETE FROM address_holdings; UPDATE organizations SET holdings_revision = 0";
    server.database.client().await.batch_execute(forget).await.unwrap();
    rollcall_store::address_holdings::fill_all(&server.database.db()).await.unwrap();
    // A schedule is set back, as after a wrong reading of the clock.
    let db = server.database.db();
    let now = rollcall_store::jobs::clock(&db).await.unwrap();
    rollcall_store::jobs::set_schedule_back(&db, "housekeeping", now).await.unwrap();
    rollcall_store::audit::is_rewritable(&db).await.unwrap();
    server.stop().await;
    let names: BTreeMap<String, String> = statements_of_files().into_iter().map(|(name, sql)| (sql, name)).collect();
    let observed = observe::statements().into_iter();
    observed.map(|sql| (names.get(&sql).unwrap_or(&sql).clone(), sql)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_can_run_on_a_distributed_database() {
    let mut statements = statements_of_all_calls().await;
    let observed = statements.len();
    let unused: Vec<String> = statements_of_files().into_keys().filter(|name| !statements.contains_key(name)).collect();
    statements.extend(statements_of_files());
    // Transactions, cursors, settings of a session and schema migrations have tests of their own. A test that creates the
    // database also sends what follows the schema migrations, which reads only the catalog.
    let of_migration = include_str!("../../src/protection.sql");
    statements.retain(|_, sql| {
        if sql == of_migration {
            return false;
        }
        let command = sql.lines().find(|line| !line.starts_with("--")).unwrap_or_default().to_uppercase();
        ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].iter().any(|start| command.starts_with(start))
    });

    let database = TestDatabase::new().await;
    let (client, distributed) = (database.client().await, database.has_citus().await);
    let schema = Schema::read(&client).await;
    let mut breaches = Vec::new();
    for (name, sql) in &statements {
        let scope = scope_of(name, sql);
        breaches.extend(schema.breaches(sql, scope).iter().map(|breach| format!("{name}: {breach}")));
        let tasks = plans::task_counts(&client, &planned(sql), scope == Scope::One).await;
        if scope == Scope::One && tasks.iter().any(|tasks| *tasks > 1) {
            breaches.push(format!("{name}: goes to several shards"));
        }
        assert!(!distributed || scope == Scope::One || tasks.iter().any(|tasks| *tasks > 1), "{name} is about one");
    }
    assert_eq!(breaches, Vec::<String>::new());
    assert_eq!(unused, Vec::<String>::new(), "no RPC and no job of this test sends these statements");
    assert!(observed > statements_of_files().len() + 40, "{observed} statements were observed");
}

/// Returns the part of a statement that Citus can explain: of INSERT ... SELECT, the SELECT.
fn planned(sql: &str) -> String {
    match rules::parse(sql).as_slice() {
        [Statement::Insert(insert)] => match &insert.source {
            Some(source) if !matches!(*source.body, SetExpr::Values(_)) => source.to_string(),
            _ => sql.to_owned(),
        },
        _ => sql.to_owned(),
    }
}
