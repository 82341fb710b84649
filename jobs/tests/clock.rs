//! A database whose clock jumps.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::time::Duration;

use chrono_tz::UTC;
use rollcall_jobs::engine::{JobSpec, Schedule, job_fn};
use rollcall_store::jobs::RunState;
use rollcall_testkit::TestClock;
use support::{
    Database, database,
    jobs::{DEADLINE, done, reached, request, runs, spec, start},
    seed::connect,
    until,
};

const DAYS: Duration = Duration::from_secs(5 * 86_400);

fn nightly() -> JobSpec {
    let schedule = Some(Schedule { cron: "0 2 * * *".into(), time_zone: UTC });
    JobSpec { schedule, ..spec(job_fn(|_| async { Ok(done()) })) }
}

async fn with_clock() -> (Database, TestClock) {
    let mut database = database().await;
    let clock = TestClock::install(&database.database).await;
    database.url = TestClock::url(&database.database);
    (database, clock)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_that_a_wrong_clock_has_moved_ahead_is_set_back() {
    let (database, clock) = with_clock().await;
    let app = database.app();
    let engine = start(&app, nightly()).await;
    clock.set_ahead(DAYS).await;
    // The wrong time stays until it is confirmed.
    let wrong = async || runs(&app).await.into_iter().rfind(|run| run.state == RunState::Succeeded);
    let early = until("the run of the wrong night", wrong).await;
    assert_eq!(runs(&app).await.len(), 5);
    clock.set_ahead(Duration::ZERO).await;
    let client = connect(&database).await;
    let ahead = "SELECT count(*) FROM jobs WHERE scheduled_until > pg_catalog.clock_timestamp()";
    until("the schedule", async || (client.query_one(ahead, &[]).await.unwrap().get::<_, i64>(0) == 0).then_some(()))
        .await;
    let left = runs(&app).await;
    assert_eq!(left.iter().map(|run| run.id).collect::<Vec<_>>(), [early.id], "the nights to come are not skipped");
    let requested = request(&app).await;
    reached(&app, requested.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
}
