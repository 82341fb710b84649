//! An engine without work: it sends few statements, and still begins each run when it is due or requested.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::time::Duration;

use chrono_tz::UTC;
use rollcall_jobs::{
    JobOptions,
    engine::{Engine, EngineOptions, JobCompletion, JobError, JobSpec, Schedule, job_fn},
};
use rollcall_store::jobs::{RunCounts, RunState};
use support::{
    Database, database,
    jobs::{DEADLINE, done, options, reached, request, runs, spec},
    seed::connect,
    until,
};

const HOUR: Duration = Duration::from_secs(3_600);
/// The session that listens for notices.
const LISTENER: &str = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN %'";

/// Starts an engine that would sleep for an hour if nothing woke it, and waits until it listens.
async fn sleepy(database: &Database, spec: JobSpec) -> Engine {
    let options = EngineOptions { idle: HOUR, ..options() };
    let engine = Engine::start(database.app(), vec![spec], options).await.unwrap();
    until("the listener", async || listener(database).await).await;
    engine
}

async fn listener(database: &Database) -> Option<i32> {
    connect(database).await.query_opt(LISTENER, &[]).await.unwrap().map(|row| row.get(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_without_work_sends_few_statements() {
    let database = database().await;
    let engine = rollcall_jobs::start(database.app(), &JobOptions::default()).await.unwrap();
    until("the listener", async || listener(&database).await).await;
    let client = database.database.client().await;
    let sql = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()";
    let count = async || client.query_one(sql, &[]).await.unwrap().get::<_, i64>(0);
    // An engine that ticked once a second would send two statements in each: a test of the session, and the question.
    // Postgres counts up to a few seconds late, so that the statements of the start may be in the first count.
    until("a quiet time", async || {
        let before = count().await;
        tokio::time::sleep(Duration::from_secs(6)).await;
        (count().await - before <= 5).then_some(())
    })
    .await;
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_another_process_wakes_a_sleeping_engine() {
    let database = database().await;
    let engine = sleepy(&database, spec(job_fn(|_| async { Ok(done()) }))).await;
    let elsewhere = database.app();
    for _ in 0..3 {
        let run = request(&elsewhere).await;
        reached(&elsewhere, run.id, RunState::Succeeded).await;
    }
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_gets_no_notices_looks_once_a_second() {
    let database = database().await;
    let engine = sleepy(&database, spec(job_fn(|_| async { Ok(done()) }))).await;
    let (client, app) = (database.database.client().await, database.app());
    let listening = listener(&database).await.unwrap();
    client.query("SELECT pg_terminate_backend($1, 10000)", &[&listening]).await.unwrap();
    let run = request(&app).await;
    reached(&app, run.id, RunState::Succeeded).await;
    until("the next listener", async || listener(&database).await).await;
    let run = request(&app).await;
    reached(&app, run.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_wakes_a_sleeping_engine_when_it_is_due() {
    let database = database().await;
    let flaky = job_fn(|context| async move {
        match context.run.attempt {
            1 => Err(JobError::retryable("not yet")),
            _ => Ok(JobCompletion::Done { outcome: RunCounts::new(), report: None }),
        }
    });
    let options = EngineOptions { idle: HOUR, first_backoff: Duration::from_secs(2), ..options() };
    let engine = Engine::start(database.app(), vec![spec(flaky)], options).await.unwrap();
    until("the listener", async || listener(&database).await).await;
    let app = database.app();
    let run = request(&app).await;
    assert_eq!(reached(&app, run.id, RunState::Succeeded).await.attempt, 2);
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_wakes_a_sleeping_engine() {
    let database = database().await;
    let schedule = Some(Schedule { cron: "*/2 * * * * *".into(), time_zone: UTC });
    let engine = sleepy(&database, JobSpec { schedule, ..spec(job_fn(|_| async { Ok(done()) })) }).await;
    let app = database.app();
    let succeeded = async || runs(&app).await.iter().filter(|run| run.state == RunState::Succeeded).count();
    until("two runs", async || (succeeded().await >= 2).then_some(())).await;
    engine.stop(DEADLINE).await;
}
