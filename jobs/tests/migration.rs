//! The settings migration as a job: every organization in phase LEGACY, once.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::time::Duration;

use rollcall_app::AppOptions;
use rollcall_jobs::JobOptions;
use rollcall_store::jobs::{self, RunState};
use support::{
    database,
    migration::{MIGRATION, count, counts, migrated_once, run, seed},
    seed::{connect, organization_sql},
    until,
};

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
async fn an_organization_that_waits_for_a_retry_is_skipped() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    let failed = "INSERT INTO settings_migrations VALUES ('org-01', 'FAILED', 'planted', NULL, '[]', now())";
    client.batch_execute(failed).await.unwrap();
    let run = run(&app).await;
    assert_eq!((run.state, run.outcome), (RunState::Succeeded, counts(2, 1, 4)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_migration_resumes() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 40).await;
    // The stop is requested after the first organization.
    let stop = until("the first organization", async || {
        let migrated = count(&client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await;
        (migrated > 0).then_some(())
    });
    let stopped = rollcall_jobs::run_in_process(&app, MIGRATION, stop, |_| {}).await.unwrap();
    assert_eq!((stopped.state, stopped.attempt), (RunState::Pending, 0));
    let so_far = migrated_once(&client, &database).await;
    assert!(so_far < 40, "it was not stopped in time to show anything");

    let engine = rollcall_jobs::start(app.clone(), &JobOptions::default()).await.unwrap();
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
async fn nothing_is_migrated_without_a_request() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 1).await;
    let engine = rollcall_jobs::start(app.clone(), &JobOptions::default()).await.unwrap();
    // A report on request shows that ticks have passed.
    let requested = jobs::request_run(app.db(), "mixed-settings-report").await.unwrap();
    let (jobs::RequestedRun::Created(report) | jobs::RequestedRun::AlreadyOpen(report)) = requested;
    until("the report", async || {
        let run = jobs::find_run(app.db(), report.id).await.unwrap().unwrap();
        (!run.state.is_open()).then_some(())
    })
    .await;
    engine.stop(Duration::from_secs(20)).await;
    assert_eq!(migrated_once(&client, &database).await, 0);
    assert_eq!(jobs::list_runs(app.db(), Some(MIGRATION), None, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_migrates_all_waves_up_to_its_own() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 4).await;
    client.batch_execute("UPDATE organizations SET wave = substr(id, 6)::integer").await.unwrap();
    assert_eq!(run(&app).await.outcome, counts(1, 0, 2));
    let second = app.with_options(AppOptions { migration_wave: 2, ..AppOptions::default() });
    let mut expected = counts(2, 0, 4);
    expected.insert("migration_wave".to_owned(), 2);
    assert_eq!(run(&second).await.outcome, expected);
    let left = "SELECT count(*) FROM organizations WHERE phase = 'LEGACY' AND id = 'org-03'";
    assert_eq!((count(&client, left).await, migrated_once(&client, &database).await), (1, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_created_after_the_request_waits_for_the_next_run() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 1).await;
    jobs::request_run(app.db(), MIGRATION).await.unwrap();
    client.batch_execute(&organization_sql("later", "LEGACY")).await.unwrap();
    let engine = rollcall_jobs::start(app.clone(), &JobOptions::default()).await.unwrap();
    let first = until("the end", async || {
        let runs = jobs::list_runs(app.db(), Some(MIGRATION), None, 1).await.unwrap();
        runs.into_iter().find(|run| !run.state.is_open())
    })
    .await;
    engine.stop(Duration::from_secs(20)).await;
    assert_eq!((first.state, first.outcome), (RunState::Succeeded, counts(1, 0, 2)));
    assert_eq!(run(&app).await.outcome, counts(1, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_changed_setting_fails_only_that_organization() {
    assert_fails_only_that_organization("NEW.email_export = 'EXPORT'", "1 of 2 members would have behaved differently")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_setting_fails_only_that_organization() {
    let lost = "NEW.email_export = NULL; NEW.email_export_since = NULL; NEW.email_export_source = NULL";
    assert_fails_only_that_organization(lost, "1 of 2 members would have behaved differently").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_constraint_fails_only_that_organization() {
    assert_fails_only_that_organization(
        "NEW.email_export = 'NONSENSE'",
        "rows of the organization are damaged or break a constraint of the database; the log of the service names the \
         statement and the cause",
    )
    .await;
}

async fn assert_fails_only_that_organization(fault: &str, reason: &str) {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 5).await;
    let event = "BEFORE UPDATE ON members FOR EACH ROW WHEN (NEW.organization_id = 'org-02' AND NEW.id = 'm2')";
    database.database.create_trigger("fault", event, fault).await;
    let failed = run(&app).await;
    let advice = "the organization was left as it was; correct the cause, then retry its migration";
    let why = format!("1 organization was not migrated: org-02: {reason}; {advice}");
    assert_eq!((failed.state, failed.failure), (RunState::Failed, Some(why)));
    let all = ["organizations_migrated", "organizations_failed", "organizations_total", "members", "members_total"];
    assert_eq!(all.map(|name| failed.outcome[name]), [4, 1, 5, 8, 10]);
    let marked = "SELECT count(*) FROM settings_migrations WHERE organization_id = 'org-02' AND state = 'FAILED'";
    assert_eq!(count(&client, marked).await, 1);
    let untouched = "SELECT count(*) FROM members JOIN organizations AS o ON o.id = organization_id
        WHERE phase = 'LEGACY' AND email_export IS NULL AND email_export_source IS NULL";
    assert_eq!(count(&client, untouched).await, 2, "both members of org-02 are as they were");
    assert_eq!(count(&client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await, 4);
    // Every later run skips the organization, and succeeds.
    let passed = run(&app).await;
    assert_eq!((passed.state, passed.outcome["organizations_skipped"]), (RunState::Succeeded, 1));
}
