//! Changes of many organizations as a job: one organization at a time, each once, whichever process works on the run.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{collections::BTreeSet, time::Duration};

use rollcall_app::{
    Answer, App, Caller, Error, MutationContext,
    migration::{CHANGES_JOB, MigrationAction, MigrationChange, MigrationFilter, MigrationSelection, RequestedChanges},
};
use rollcall_domain::OrganizationId;
use rollcall_jobs::{
    JobOptions,
    engine::{Engine, EngineOptions, JobSpec},
};
use rollcall_store::jobs::{self, JobRun, RunState};
use support::{
    Database, database,
    jobs::{DEADLINE, find, reached},
    migration::{count, seed},
    seed::connect,
    until,
};
use tokio_postgres::Client;

/// Leases that expire soon, so that another engine soon takes a run over.
fn options() -> EngineOptions {
    EngineOptions { lease: Duration::from_secs(1), heartbeat: Duration::from_millis(50), ..EngineOptions::default() }
}

fn spec() -> JobSpec {
    rollcall_jobs::specs(&JobOptions::default()).into_iter().find(|spec| spec.name == CHANGES_JOB).unwrap()
}

async fn engine(database: &Database) -> Engine {
    Engine::start(database.app(), vec![spec()], options()).await.unwrap()
}

/// Requests that the organizations of wave 0 move to wave 7.
async fn request(app: &App) -> JobRun {
    let filter = MigrationFilter { state: None, wave: Some(0) };
    request_change(app, MigrationSelection::Filter(filter)).await
}

async fn request_change(app: &App, selection: MigrationSelection) -> JobRun {
    let caller = Caller { actor: "operator".to_owned(), ..Caller::job("ChangeMigrations") };
    let context = MutationContext::new(caller, |_| Vec::new());
    let change = MigrationChange { action: MigrationAction::SetWave(7), selection };
    match app.change_migrations(&context, &change).await.unwrap() {
        Answer::New(changed) => match changed.value {
            RequestedChanges::Run(run) => run,
            RequestedChanges::Expected(expected) => panic!("{expected:?}"),
        },
        Answer::Repeated(_) => panic!("the request is new"),
    }
}

/// Checks that each organization was changed once, by its caller and this run. Returns how many were changed.
async fn changed_once(client: &Client, run: &JobRun) -> i64 {
    let moved = count(client, "SELECT count(*) FROM organizations WHERE wave = 7").await;
    let events = format!(
        "SELECT count(*) FROM audit_events WHERE method = 'ChangeMigrations' AND actor = 'operator'
            AND after ->> 'run' = 'jobs/{CHANGES_JOB}/runs/{}'",
        run.id
    );
    assert_eq!(count(client, &events).await, moved);
    assert_eq!(count(client, "SELECT count(DISTINCT organization_id) FROM audit_events").await, moved);
    moved
}

fn counted(run: &JobRun) -> [i64; 4] {
    ["total", "changed", "unchanged", "refused"]
        .map(|what| run.outcome.get(&format!("organizations_{what}")).copied().unwrap_or_default())
}

/// The process dies after an organization. Another one continues with the next organization.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_a_dead_process_is_continued_after_its_last_organization() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 6).await;
    let named = (0..6).map(|number| OrganizationId::trusted(format!("org-{number:02}")));
    let run = request_change(&app, MigrationSelection::Organizations(named.collect())).await;
    let dead = jobs::claim_run(app.db(), CHANGES_JOB, DEADLINE).await.unwrap().unwrap();
    let mut changes = app.find_migration_changes(run.id).await.unwrap().unwrap();
    for organization in app.list_migrations_to_change(&changes).await.unwrap().into_iter().take(2) {
        app.change_migration_in_run(&mut changes, organization, dead.fence).await.unwrap();
    }
    assert_eq!((counted(&find(&app, run.id).await), changed_once(&client, &run).await), ([0, 2, 0, 0], 2));
    jobs::extend_lease(app.db(), dead.fence, Duration::ZERO).await.unwrap();

    let engine = engine(&database).await;
    let ended = reached(&app, run.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
    // An organization of the dead process that was tried again would count as unchanged.
    assert_eq!((ended.attempt, counted(&ended)), (2, [6, 6, 0, 0]));
    assert_eq!(changed_once(&client, &run).await, 6);
    // The dead process was only paused. It can change nothing any more.
    let late = OrganizationId::trusted("org-05");
    let late = app.change_migration_in_run(&mut changes, late, dead.fence).await;
    assert!(matches!(late, Err(Error::FenceLost)), "{late:?}");
    assert_eq!(changed_once(&client, &run).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_change_each_organization_once_and_one_continues_for_the_other() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 60).await;
    let run = request(&app).await;
    let (first, second) = (engine(&database).await, engine(&database).await);
    until("the first organizations", async || {
        let moved = count(&client, "SELECT count(*) FROM organizations WHERE wave = 7").await;
        (moved > 3).then_some(())
    })
    .await;
    // Dropping the engine aborts it in the middle of its work, if it is the one that has claimed the run.
    drop(first);
    let ended = reached(&app, run.id, RunState::Succeeded).await;
    second.stop(DEADLINE).await;
    assert_eq!(counted(&ended), [60, 60, 0, 0]);
    assert_eq!(changed_once(&client, &run).await, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_organization_is_listed_and_does_not_stop_the_run() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    let limits = rollcall_store::Limits { lock: Duration::from_millis(50), ..rollcall_store::Limits::default() };
    let impatient = App::new(
        app.db().clone().with_limits(limits),
        rollcall_app::reports::ReportStore::open(&database.reports_url()).unwrap(),
    );
    let named = ["org-00", "org-01", "org-02"].map(OrganizationId::trusted);
    let run = request_change(&app, MigrationSelection::Organizations(BTreeSet::from(named))).await;
    let mut holder = connect(&database).await;
    let held = holder.transaction().await.unwrap();
    held.execute("SELECT FROM organizations WHERE id = 'org-01' FOR UPDATE", &[]).await.unwrap();
    let engine = Engine::start(impatient, vec![spec()], options()).await.unwrap();
    let ended = reached(&app, run.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
    held.rollback().await.unwrap();
    assert_eq!((counted(&ended), changed_once(&client, &run).await), ([3, 2, 0, 1], 2));
    let refused = app.list_run_refusals(run.id, 10).await.unwrap();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].organization.as_str(), refused[0].reason.as_str()), ("org-01", "OVERLOADED"));
    assert!(refused[0].message.contains("nothing was changed, so try again"), "{}", refused[0].message);
    // Old runs are deleted with what they have stored.
    client.batch_execute("DELETE FROM job_runs").await.unwrap();
    assert_eq!(count(&client, "SELECT count(*) FROM job_run_refusals").await, 0);
}
