//! Several engines share the work of one run of the migration, even if one of them fails.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::time::Duration;

use rollcall_app::{App, AppOptions};
use rollcall_jobs::{
    JobOptions,
    engine::{Engine, EngineOptions},
};
use rollcall_store::{
    SystemConn,
    jobs::{self, JobRun, RequestedRun, RunState},
};
use rollcall_testkit::BlockedSessions;
use support::{
    Database, database,
    migration::{MIGRATION, count, counts, migrated_once, seed},
    seed::connect,
    until,
};
use tokio_postgres::Client;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(20);

/// Returns an engine with its own pool, as in another process.
async fn engine(database: &Database) -> Engine {
    engine_of_wave(database, 0).await
}

async fn engine_of_wave(database: &Database, migration_wave: u32) -> Engine {
    let app = database.app().with_options(AppOptions { migration_wave, ..AppOptions::default() });
    let options = EngineOptions { heartbeat: Duration::from_millis(50), ..EngineOptions::default() };
    Engine::start(app, rollcall_jobs::specs(&JobOptions::default()), options).await.unwrap()
}

async fn request(app: &App) -> Uuid {
    match jobs::request_run(app.db(), MIGRATION).await.unwrap() {
        RequestedRun::Created(run) | RequestedRun::AlreadyOpen(run) => run.id,
    }
}

async fn ended(app: &App, run: Uuid) -> JobRun {
    until("the end of the run", async || {
        let run = jobs::find_run(app.db(), run).await.unwrap().unwrap();
        (!run.state.is_open()).then_some(run)
    })
    .await
}

/// Locks these organizations, so that workers wait until the returned transaction ends.
async fn hold(database: &Database, organizations: &str) -> Client {
    let holder = connect(database).await;
    let named = holder.query("SELECT id FROM organizations WHERE id LIKE $1", &[&organizations]).await.unwrap();
    holder.batch_execute("BEGIN").await.unwrap();
    for organization in named {
        let members = "SELECT FROM members WHERE organization_id = $1 FOR UPDATE";
        holder.query(members, &[&organization.get::<_, &str>(0)]).await.unwrap();
    }
    holder
}

/// Waits until this number of workers waits for the locks.
async fn waiting(database: &Database, workers: usize) {
    let blocked = BlockedSessions::of(&database.database).await;
    until(&format!("{workers} workers at work"), async || (blocked.pids().await.len() == workers).then_some(())).await;
}

async fn migrated(client: &Client) -> i64 {
    count(client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await
}

#[tokio::test(flavor = "multi_thread")]
async fn other_workers_continue_while_one_is_blocked() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 60).await;
    let holder = hold(&database, "org-00").await;
    let run = request(&app).await;
    let engines = [engine(&database).await, engine(&database).await, engine(&database).await];
    until("all but one", async || (migrated(&client).await == 59).then_some(())).await;
    assert!(jobs::find_run(app.db(), run).await.unwrap().unwrap().state.is_open());
    holder.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 1, counts(60, 0, 120)));
    assert_eq!(migrated_once(&client, &database).await, 60);
    for engine in engines {
        engine.stop(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_use_the_wave_of_the_process_that_started_the_run() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 6).await;
    client.batch_execute("UPDATE organizations SET wave = substr(id, 6)::integer").await.unwrap();
    let holder = hold(&database, "org-00").await;
    let run = request(&app).await;
    let leader = engine_of_wave(&database, 3).await;
    waiting(&database, 1).await;
    let helpers = [engine_of_wave(&database, 0).await, engine_of_wave(&database, 9).await];
    until("the others up to wave 3", async || (migrated(&client).await == 3).then_some(())).await;
    holder.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.outcome["migration_wave"], run.outcome["organizations_migrated"]), (3, 4));
    assert_eq!(migrated_once(&client, &database).await, 4);
    leader.stop(DEADLINE).await;
    for helper in helpers {
        helper.stop(DEADLINE).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_continues_when_the_leader_dies_and_takes_over_after_its_lease() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 20).await;
    let holder = hold(&database, "org-00").await;
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&database, 1).await;
    drop(leader);
    let helper = engine(&database).await;
    until("all but one", async || (migrated(&client).await >= 19).then_some(())).await;
    holder.batch_execute("COMMIT").await.unwrap();
    until("the last one", async || (migrated(&client).await == 20).then_some(())).await;
    let open = jobs::find_run(app.db(), run).await.unwrap().unwrap();
    assert_eq!((open.state, open.attempt), (RunState::Running, 1), "only the lease holder ends the run");
    client.batch_execute("UPDATE job_runs SET lease_until = clock_timestamp() - interval '1 s'").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 2, counts(20, 0, 40)));
    assert_eq!(migrated_once(&client, &database).await, 20);
    helper.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_dies_leaves_its_organization_to_other_workers() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 2).await;
    let holder = hold(&database, "org-%").await;
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&database, 1).await;
    let helper = engine(&database).await;
    waiting(&database, 2).await;
    drop(helper);
    holder.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 1, counts(2, 0, 4)));
    assert_eq!(migrated_once(&client, &database).await, 2);
    leader.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_leader_does_not_wait_for_helpers_and_their_effects_are_refused() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 2).await;
    let (first, second) = (hold(&database, "org-00").await, hold(&database, "org-01").await);
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&database, 1).await;
    let helper = engine(&database).await;
    waiting(&database, 2).await;
    let stopping = tokio::spawn(leader.stop(DEADLINE));
    // The leader, which works in byte order, finishes its organization and releases the run.
    first.batch_execute("COMMIT").await.unwrap();
    until("the leader's end", async || stopping.is_finished().then_some(())).await;
    let given_back = jobs::find_run(app.db(), run).await.unwrap().unwrap();
    assert_eq!((given_back.state, given_back.attempt, migrated(&client).await), (RunState::Pending, 0, 1));
    // The effect of the helper is refused, because the run has no lease holder. Then the helper claims the run and
    // repeats the effect.
    second.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 1, counts(2, 0, 4)));
    assert_eq!(migrated_once(&client, &database).await, 2);
    helper.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_workers_leave_a_cancelled_run_and_the_next_run_does_the_rest() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 40).await;
    let holder = hold(&database, "org-%").await;
    let id = request(&app).await;
    let engines = [engine(&database).await, engine(&database).await];
    waiting(&database, 2).await;
    let cancel =
        app.db().system("cancel", async |conn: &mut SystemConn| jobs::cancel_run(conn, MIGRATION, id, "ada").await);
    cancel.await.unwrap();
    // The process reads the cancellation with a heartbeat, which renews the lease.
    for _ in 0..2 {
        let lease = "SELECT extract(epoch FROM lease_until)::float8 FROM job_runs";
        let before: f64 = client.query_one(lease, &[]).await.unwrap().get(0);
        until("a heartbeat", async || {
            let now: f64 = client.query_one(lease, &[]).await.unwrap().get(0);
            (now > before).then_some(())
        })
        .await;
    }
    holder.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, id).await;
    let so_far = migrated_once(&client, &database).await;
    assert_eq!((run.state, run.outcome.get("organizations_migrated").copied()), (RunState::Cancelled, Some(so_far)));
    assert!(so_far < 40, "no worker has stopped");
    let rest = request(&app).await;
    let rest = ended(&app, rest).await;
    assert_eq!((rest.state, rest.outcome), (RunState::Succeeded, counts(40 - so_far, 0, 2 * (40 - so_far))));
    assert_eq!(migrated_once(&client, &database).await, 40);
    for engine in engines {
        engine.stop(DEADLINE).await;
    }
}
