//! The settings migration as a job: every organization in phase LEGACY, once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod support;

use std::{collections::BTreeMap, future::pending, time::Duration};

use rollcall_app::App;
use rollcall_store::jobs::{self, JobRun, RunState};
use support::{
    Database, database,
    seed::{connect, members_sql, organization_sql},
    until,
};
use tokio_postgres::Client;

const MIGRATION: &str = "settings-migration";

/// Organizations `org-00`, `org-01`, ..., each with a member who is exported and one who is not.
async fn seed(client: &Client, organizations: usize) {
    for number in 0..organizations {
        let name = format!("org-{number:02}");
        client.batch_execute(&organization_sql(&name, "LEGACY")).await.unwrap();
        let members =
            "('m1', 'a@x.example', true, 'sales', NULL, NULL), ('m2', 'b@x.example', true, 'sales', NULL, NULL)";
        client.batch_execute(&members_sql(&name, members)).await.unwrap();
    }
    client.batch_execute("UPDATE members SET legacy_email_export = (id = 'm1')").await.unwrap();
}

async fn run(app: &App) -> JobRun {
    rollcall_jobs::run_requested(app, MIGRATION, pending(), |_| {}).await.unwrap()
}

fn counts(migrated: i64, skipped: i64, members: i64) -> BTreeMap<String, i64> {
    let counts = [
        ("organizations_migrated", migrated),
        ("organizations_skipped", skipped),
        ("organizations_failed", 0),
        ("members", members),
    ];
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// What every migrated organization has exactly once.
async fn migrated_once(client: &Client, database: &Database) -> i64 {
    let events = "SELECT count(*) FROM audit_events WHERE method = 'settings-migration'";
    let migrated = count(client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await;
    assert_eq!(count(client, events).await, migrated, "{}", database.url);
    migrated
}

#[tokio::test(flavor = "multi_thread")]
async fn every_organization_is_migrated_once() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 5).await;
    let first = run(&app).await;
    assert_eq!((first.state, &first.failure), (RunState::Succeeded, &None));
    assert_eq!(first.outcome, counts(5, 0, 10));
    assert_eq!(migrated_once(&client, &database).await, 5);
    let exporting = "SELECT count(*) FROM members WHERE email_export = 'EXPORT' AND email_export_since IS NULL";
    assert_eq!(count(&client, exporting).await, 5);
    assert_eq!(run(&app).await.outcome, counts(0, 0, 0));
    assert_eq!(migrated_once(&client, &database).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_waits_for_an_operator_is_passed() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    let failed = "INSERT INTO settings_migrations VALUES ('org-01', 'FAILED', 'planted', NULL, '[]', now())";
    client.batch_execute(failed).await.unwrap();
    let run = run(&app).await;
    assert_eq!((run.state, run.outcome), (RunState::Succeeded, counts(2, 1, 4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_migration_goes_on_where_it_was() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 40).await;
    // Asked to stop as soon as one organization is through.
    let stop = until("the first organization", async || {
        let migrated = count(&client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await;
        (migrated > 0).then_some(())
    });
    let stopped = rollcall_jobs::run_requested(&app, MIGRATION, stop, |_| {}).await.unwrap();
    assert_eq!((stopped.state, stopped.attempt), (RunState::Pending, 0));
    let so_far = migrated_once(&client, &database).await;
    assert!(so_far < 40, "it was not stopped in time to show anything");

    let engine = rollcall_jobs::start(app.clone()).await.unwrap();
    let run = until("the end", async || {
        let run = jobs::find_run(app.db(), stopped.id).await.unwrap().unwrap();
        (!run.state.is_open()).then_some(run)
    })
    .await;
    engine.stop(Duration::from_secs(20)).await;
    assert_eq!((run.state, run.outcome), (RunState::Succeeded, counts(40, 0, 80)));
    assert_eq!(migrated_once(&client, &database).await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_migrated_that_nobody_asked_for() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 1).await;
    let engine = rollcall_jobs::start(app.clone()).await.unwrap();
    // A report on request shows that ticks have passed.
    let requested = jobs::request_run(app.db(), "mixed-settings-report").await.unwrap();
    let (jobs::Requested::Started(report) | jobs::Requested::AlreadyOpen(report)) = requested;
    until("the report", async || {
        let run = jobs::find_run(app.db(), report.id).await.unwrap().unwrap();
        (!run.state.is_open()).then_some(())
    })
    .await;
    engine.stop(Duration::from_secs(20)).await;
    assert_eq!(migrated_once(&client, &database).await, 0);
    assert_eq!(jobs::list_runs(app.db(), Some(MIGRATION), None, 10).await.unwrap(), []);
}
