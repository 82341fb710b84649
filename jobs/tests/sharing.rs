//! Several engines share the work of one run of the migration, whatever happens to any of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on panics")]

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
use support::{
    Database, database,
    migration::{MIGRATION, count, counts, migrated_once, seed},
    seed::connect,
    until,
};
use tokio_postgres::Client;
use uuid::Uuid;

const DEADLINE: Duration = Duration::from_secs(20);

/// An engine as another process would have it.
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

/// Whoever is at one of these organizations waits until the transaction that is answered ends.
async fn hold(database: &Database, organizations: &str) -> Client {
    let holder = connect(database).await;
    let sql = format!("BEGIN; SELECT FROM members WHERE organization_id LIKE '{organizations}' FOR UPDATE");
    holder.batch_execute(&sql).await.unwrap();
    holder
}

/// Until so many workers wait for what is held.
async fn waiting(client: &Client, workers: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%UPDATE members%' AND datname = current_database()";
    until(&format!("{workers} workers at work"), async || (count(client, sql).await == workers).then_some(())).await;
}

async fn migrated(client: &Client) -> i64 {
    count(client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await
}

#[tokio::test(flavor = "multi_thread")]
async fn others_go_on_while_one_is_at_an_organization() {
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
async fn all_take_the_wave_of_the_process_that_began() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 6).await;
    client.batch_execute("UPDATE organizations SET wave = substr(id, 6)::integer").await.unwrap();
    let holder = hold(&database, "org-00").await;
    let run = request(&app).await;
    let leader = engine_of_wave(&database, 3).await;
    waiting(&client, 1).await;
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
async fn who_helps_goes_on_when_the_leader_dies_and_takes_over_when_its_lease_is_out() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 20).await;
    let holder = hold(&database, "org-00").await;
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&client, 1).await;
    drop(leader);
    let helper = engine(&database).await;
    until("all but one", async || (migrated(&client).await >= 19).then_some(())).await;
    holder.batch_execute("COMMIT").await.unwrap();
    until("the last one", async || (migrated(&client).await == 20).then_some(())).await;
    let open = jobs::find_run(app.db(), run).await.unwrap().unwrap();
    assert_eq!((open.state, open.attempt), (RunState::Running, 1), "only who has the lease ends it");
    client.batch_execute("UPDATE job_runs SET lease_until = clock_timestamp() - interval '1 s'").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 2, counts(20, 0, 40)));
    assert_eq!(migrated_once(&client, &database).await, 20);
    helper.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_helper_that_dies_leaves_its_organization_to_the_others() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 2).await;
    let holder = hold(&database, "org-%").await;
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&client, 1).await;
    let helper = engine(&database).await;
    waiting(&client, 2).await;
    drop(helper);
    holder.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 1, counts(2, 0, 4)));
    assert_eq!(migrated_once(&client, &database).await, 2);
    leader.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_that_is_drained_does_not_wait_for_others_whose_effects_are_refused_then() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 2).await;
    let (first, second) = (hold(&database, "org-00").await, hold(&database, "org-01").await);
    let run = request(&app).await;
    let leader = engine(&database).await;
    waiting(&client, 1).await;
    let helper = engine(&database).await;
    waiting(&client, 2).await;
    let stopping = tokio::spawn(leader.stop(DEADLINE));
    // The leader, which goes in byte order, ends its organization and gives the run back.
    first.batch_execute("COMMIT").await.unwrap();
    until("the leader's end", async || stopping.is_finished().then_some(())).await;
    let given_back = jobs::find_run(app.db(), run).await.unwrap().unwrap();
    assert_eq!((given_back.state, given_back.attempt, migrated(&client).await), (RunState::Pending, 0, 1));
    // What the other one was at is refused now: the run is nobody's. Then it claims the run and does it again.
    second.batch_execute("COMMIT").await.unwrap();
    let run = ended(&app, run).await;
    assert_eq!((run.state, run.attempt, run.outcome), (RunState::Succeeded, 1, counts(2, 0, 4)));
    assert_eq!(migrated_once(&client, &database).await, 2);
    helper.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_is_left_by_all_and_the_next_one_does_the_rest() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 40).await;
    let holder = hold(&database, "org-%").await;
    let id = request(&app).await;
    let engines = [engine(&database).await, engine(&database).await];
    waiting(&client, 2).await;
    let cancel = app.db().system("cancel", async |conn: &mut SystemConn| jobs::cancel_run(conn, MIGRATION, id).await);
    cancel.await.unwrap();
    // Its process hears of it with a heartbeat, which renews the lease.
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
    assert!(so_far < 40, "nobody has stopped");
    let rest = request(&app).await;
    let rest = ended(&app, rest).await;
    assert_eq!((rest.state, rest.outcome), (RunState::Succeeded, counts(40 - so_far, 0, 2 * (40 - so_far))));
    assert_eq!(migrated_once(&client, &database).await, 40);
    for engine in engines {
        engine.stop(DEADLINE).await;
    }
}
