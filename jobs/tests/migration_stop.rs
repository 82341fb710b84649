//! The settings migration stops itself after too many failures, and migrates the canaries of a wave first.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::time::Duration;

use rollcall_app::AppOptions;
use rollcall_domain::migration::MigrationLimits;
use rollcall_jobs::{
    JobOptions,
    engine::{Engine, EngineOptions},
};
use rollcall_store::jobs::{self, JobRun, RunState};
use rollcall_testkit::BlockedSessions;
use support::{
    Database, database,
    migration::{MIGRATION, count, run, seed},
    seed::connect,
    until,
};

/// Makes the proof of these organizations fail.
async fn break_proofs(database: &Database, organizations: &str) {
    let when = format!("WHEN (NEW.id = 'm2' AND NEW.organization_id IN ({organizations}))");
    let event = format!("BEFORE UPDATE ON members FOR EACH ROW {when}");
    database.database.create_trigger("fault", &event, "NEW.email_export = 'EXPORT'").await;
}

fn migrated_and_failed(run: &JobRun) -> [i64; 2] {
    ["organizations_migrated", "organizations_failed"].map(|name| run.outcome[name])
}

fn options(limits: MigrationLimits) -> AppOptions {
    AppOptions { migration_wave: 9, migration_limits: limits, ..AppOptions::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_after_three_failures_in_a_row_and_the_next_run_does_the_rest() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 8).await;
    break_proofs(&database, "'org-02', 'org-03', 'org-04'").await;
    let stopped = run(&app).await;
    assert_eq!((stopped.state, stopped.attempt, migrated_and_failed(&stopped)), (RunState::Failed, 1, [2, 3]));
    let failure = stopped.failure.unwrap();
    let start = "the migration stopped itself, because the last 3 organizations failed; the others stay pending: correct \
                 the cause, then start the next run; 3 organizations were not migrated: org-02: ";
    assert!(failure.starts_with(start), "{failure}");
    let next = run(&app).await;
    assert_eq!((next.state, migrated_and_failed(&next)), (RunState::Succeeded, [3, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_stops_when_too_large_a_share_has_failed() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 10).await;
    break_proofs(&database, "'org-01', 'org-03', 'org-05', 'org-07'").await;
    let stopped = run(&app).await;
    assert_eq!((stopped.state, migrated_and_failed(&stopped)), (RunState::Failed, [3, 3]));
    assert!(stopped.failure.unwrap().contains("because 3 of 10 organizations failed"));
    let tolerant = options(MigrationLimits { failures_percent: 50, ..MigrationLimits::default() });
    let last = run(&app.with_options(tolerant)).await;
    assert_eq!((last.state, migrated_and_failed(&last)), (RunState::Failed, [3, 1]));
    assert!(last.failure.unwrap().starts_with("1 organization was not migrated: org-07"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_canary_stops_the_run_before_the_rest_of_its_wave() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 9).await;
    client.batch_execute("UPDATE organizations SET wave = 1 WHERE id >= 'org-04'").await.unwrap();
    break_proofs(&database, "'org-05'").await;
    let app = app.with_options(options(MigrationLimits { canaries: 2, ..MigrationLimits::default() }));
    let stopped = run(&app).await;
    assert_eq!((stopped.state, migrated_and_failed(&stopped)), (RunState::Failed, [5, 1]), "{stopped:?}");
    assert!(stopped.failure.unwrap().contains("because one of the first organizations of wave 1 failed"));
    let next = run(&app).await;
    assert_eq!((next.state, migrated_and_failed(&next)), (RunState::Succeeded, [3, 0]));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_worker_begins_another_organization_before_the_canaries_are_migrated() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 12).await;
    let holder = connect(&database).await;
    holder.batch_execute("BEGIN; SELECT FROM members WHERE organization_id = 'org-01' FOR UPDATE").await.unwrap();
    let limits = MigrationLimits { canaries: 2, ..MigrationLimits::default() };
    let engine = async || {
        let heartbeat = Duration::from_millis(50);
        let app = database.app().with_options(options(limits));
        let specs = rollcall_jobs::specs(&JobOptions::default());
        Engine::start(app, specs, EngineOptions { heartbeat, ..EngineOptions::default() }).await.unwrap()
    };
    let requested = jobs::request_run(app.db(), MIGRATION).await.unwrap();
    let (jobs::RequestedRun::Created(requested) | jobs::RequestedRun::AlreadyOpen(requested)) = requested;
    let engines = [engine().await, engine().await];
    BlockedSessions::of(&database.database).await.wait_for(1).await;
    until("the other canary", async || {
        (count(&client, "SELECT count(*) FROM settings_migrations").await >= 1).then_some(())
    })
    .await;
    // A report on request shows that ticks have passed, in which helpers look for work.
    for _ in 0..2 {
        jobs::request_run(app.db(), "mixed-settings-report").await.unwrap();
        until("the report", async || {
            let runs = jobs::list_runs(app.db(), Some("mixed-settings-report"), None, 9).await.unwrap();
            runs.iter().all(|run| !run.state.is_open()).then_some(())
        })
        .await;
    }
    assert_eq!(count(&client, "SELECT count(*) FROM settings_migrations").await, 1);
    holder.batch_execute("COMMIT").await.unwrap();
    let run = until("the end", async || {
        let run = jobs::find_run(app.db(), requested.id).await.unwrap().unwrap();
        (!run.state.is_open()).then_some(run)
    })
    .await;
    assert_eq!((run.state, migrated_and_failed(&run)), (RunState::Succeeded, [12, 0]));
    for engine in engines {
        engine.stop(Duration::from_secs(20)).await;
    }
}
