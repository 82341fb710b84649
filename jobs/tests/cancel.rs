//! Cancelled runs: while they are pending, while they are running, and after their process has died.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{future::pending, sync::Arc, time::Duration};

use rollcall_app::App;
use rollcall_domain::OrganizationId;
use rollcall_jobs::engine::{
    Engine, EngineError, EngineOptions, JobCompletion, JobContext, JobError, JobSpec, job_fn, run_in_process,
};
use rollcall_store::{
    Error, SystemConn, WriteOptions, WriteTx,
    jobs::{self, ClaimedRun, JobRun, RunCounts, RunState},
};
use support::{
    database,
    jobs::{DEADLINE, JOB, done, find, options, reached, request, spec, start},
    seed::{connect, organization_sql},
    until,
};
use tokio::sync::Notify;
use uuid::Uuid;

/// Options with frequent heartbeats, so that an attempt soon reads that its run is to stop.
fn frequent_heartbeats() -> EngineOptions {
    EngineOptions { heartbeat: Duration::from_millis(20), ..options() }
}

async fn cancel(app: &App, run: Uuid) -> JobRun {
    let cancelling = async |conn: &mut SystemConn| jobs::cancel_run(conn, JOB, run, "ada").await;
    app.db().system("cancel_run", cancelling).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_run_is_cancelled_at_once_and_stays_so() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let cancelled = cancel(&app, run.id).await;
    assert_eq!((cancelled.state, cancelled.attempt, cancelled.started_at), (RunState::Cancelled, 0, None));
    assert!(cancelled.ended_at.is_some() && cancelled.ended_at == cancelled.cancel_requested_at);
    assert_eq!(cancel(&app, run.id).await, cancelled, "an ended run is unchanged");
    let events = jobs::list_job_audit_events(app.db(), Some(JOB), None, 10).await.unwrap();
    let said: Vec<_> = events.iter().map(|event| (event.run_id, event.state, event.actor.as_str())).collect();
    assert_eq!(said, [(run.id, RunState::Cancelled, "ada")]);
    assert_eq!(jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap(), None);
    // It does not block the next run.
    let engine = start(&app, spec(job_fn(|_| async { Ok(done()) }))).await;
    let next = request(&app).await;
    reached(&app, next.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
    assert_eq!(find(&app, run.id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_run_finishes_its_chunk_and_is_cancelled() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        jobs::add_progress(context.app.db(), context.fence, &[("chunks", 1)]).await?;
        context.cancel.cancelled().await;
        jobs::add_progress(context.app.db(), context.fence, &[("chunks", 1)]).await?;
        Ok(JobCompletion::Stopped)
    });
    let engine = Engine::start(app.clone(), vec![spec(job)], frequent_heartbeats()).await.unwrap();
    let run = request(&app).await;
    until("the first chunk", async || find(&app, run.id).await.outcome.contains_key("chunks").then_some(())).await;
    let asked = cancel(&app, run.id).await;
    assert_eq!((asked.state, asked.ended_at), (RunState::Running, None));
    let cancelled = reached(&app, run.id, RunState::Cancelled).await;
    assert_eq!((cancelled.attempt, &cancelled.failure), (1, &None));
    assert_eq!(cancelled.outcome, RunCounts::from([("chunks".to_owned(), 2)]), "what it did stays done");
    assert_eq!(cancelled.cancel_requested_at, asked.cancel_requested_at);
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_is_not_retried_after_a_failure_or_a_stop() {
    let database = database().await;
    let app = database.app();
    for fails in [true, false] {
        let run = request(&app).await;
        let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
        cancel(&app, run.id).await;
        assert!(jobs::extend_lease(app.db(), claimed.fence, DEADLINE).await.unwrap());
        let state = match fails {
            true => jobs::retry_run(app.db(), claimed.fence, "no luck", Duration::ZERO).await.unwrap(),
            false => jobs::release_run(app.db(), claimed.fence).await.unwrap(),
        };
        let ended = find(&app, run.id).await;
        assert_eq!((state, ended.state, ended.attempt), (RunState::Cancelled, RunState::Cancelled, 1));
        assert_eq!(ended.failure, fails.then(|| "no luck".to_owned()));
        assert!(ended.ended_at.is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_waiting_for_a_retry_is_cancelled_at_once() {
    let database = database().await;
    let app = database.app();
    let slow = EngineOptions { first_backoff: Duration::from_secs(600), ..options() };
    let job = job_fn(|_| async { Err(JobError::retryable("no luck")) });
    let engine = Engine::start(app.clone(), vec![JobSpec { max_backoff: Duration::from_secs(600), ..spec(job) }], slow)
        .await
        .unwrap();
    let run = request(&app).await;
    let failed = async || Some(find(&app, run.id).await).filter(|run| run.failure.is_some());
    until("the first failure", failed).await;
    let cancelled = cancel(&app, run.id).await;
    assert_eq!((cancelled.state, cancelled.failure.as_deref()), (RunState::Cancelled, Some("no luck")));
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_asked_to_stop_ends_when_another_process_takes_it_over() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let dead = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    jobs::add_progress(app.db(), dead.fence, &[("done", 2)]).await.unwrap();
    assert_eq!(cancel(&app, run.id).await.state, RunState::Running);
    jobs::extend_lease(app.db(), dead.fence, Duration::ZERO).await.unwrap();

    let engine = start(&app, spec(job_fn(|_| async { panic!("no process works on the run") }))).await;
    let cancelled = reached(&app, run.id, RunState::Cancelled).await;
    assert_eq!((cancelled.attempt, cancelled.failure), (1, None));
    assert_eq!(cancelled.outcome, RunCounts::from([("done".to_owned(), 2)]));
    let late = jobs::finish_run(app.db(), dead.fence, &RunCounts::new(), None).await;
    assert!(matches!(late, Err(Error::FenceLost)), "{late:?}");
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_without_a_live_process_is_cancelled_at_once() {
    let database = database().await;
    let app = database.app();
    connect(&database).await.batch_execute(&organization_sql("acme", "MIGRATED")).await.unwrap();
    let run = request(&app).await;
    let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    let (db, fence) = (app.db(), claimed.fence);
    // Its lease has expired, but one of its effects is in progress, so its process is alive.
    let effect = async |_: &mut WriteTx| {
        jobs::extend_lease(db, fence, Duration::ZERO).await?;
        let cancelling = async |conn: &mut SystemConn| jobs::cancel_run(conn, JOB, run.id, "ada").await;
        db.system("cancel_run", cancelling).await
    };
    let acme = OrganizationId::trusted("acme");
    let meanwhile =
        tokio::time::timeout(DEADLINE, db.write(&acme, WriteOptions::fenced("effect", fence), effect)).await;
    assert_eq!(meanwhile.unwrap().unwrap().unwrap().state, RunState::Running);

    assert_eq!(cancel(&app, run.id).await.state, RunState::Cancelled);
    let late = db.write(&acme, WriteOptions::fenced("late", fence), async |_: &mut WriteTx| Ok::<_, Error>(()));
    assert!(matches!(late.await, Err(Error::FenceLost)));
}

/// The clock was five days ahead when a process claimed the run and died.
#[tokio::test(flavor = "multi_thread")]
async fn a_dead_run_with_a_lease_from_a_wrong_clock_is_cancelled_at_once() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let days = Duration::from_secs(5 * 86_400);
    jobs::claim_run(app.db(), JOB, days).await.unwrap().unwrap();
    assert_eq!(cancel(&app, run.id).await.state, RunState::Cancelled);
    // A run that nobody cancels is taken over.
    let run = request(&app).await;
    jobs::claim_run(app.db(), JOB, days).await.unwrap().unwrap();
    let engine = start(&app, spec(job_fn(|_| async { Ok(done()) }))).await;
    assert_eq!(reached(&app, run.id, RunState::Succeeded).await.attempt, 2);
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_reports_that_its_run_was_cancelled() {
    let database = database().await;
    let app = database.app();
    let begun = Arc::new(Notify::new());
    let begins = begun.clone();
    let job = job_fn(move |context: JobContext| {
        begins.notify_one();
        async move {
            context.cancel.cancelled().await;
            Ok(JobCompletion::Stopped)
        }
    });
    let cancelling = async {
        begun.notified().await;
        let open = jobs::list_runs(app.db(), Some(JOB), None, 1).await.unwrap().remove(0);
        cancel(&app, open.id).await
    };
    let running = run_in_process(&app, spec(job), frequent_heartbeats(), pending(), |_| {});
    let (run, asked) = tokio::join!(running, cancelling);
    let run = run.unwrap();
    assert_eq!((run.id, run.state, run.attempt), (asked.id, RunState::Cancelled, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_does_not_wait_for_a_cancelled_run_of_a_dead_process() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    cancel(&app, run.id).await;
    let job = || spec(job_fn(|_| async { Ok(done()) }));
    let refused = run_in_process(&app, job(), options(), pending(), |_| {}).await;
    assert!(matches!(refused, Err(EngineError::AlreadyOpen(open)) if open.id == run.id));
    jobs::extend_lease(app.db(), claimed.fence, Duration::ZERO).await.unwrap();
    let next = run_in_process(&app, job(), options(), pending(), |_| {}).await.unwrap();
    assert_eq!((next.id == run.id, next.state), (false, RunState::Succeeded));
    assert_eq!(find(&app, run.id).await.state, RunState::Cancelled);
}

/// Ends a run as its process would, after some round trips to the database.
async fn end_after(app: &App, claimed: &ClaimedRun, round_trips: u32) {
    for _ in 0..round_trips {
        app.db().ping().await.unwrap();
    }
    match jobs::extend_lease(app.db(), claimed.fence, DEADLINE).await.unwrap() {
        true => assert_eq!(jobs::release_run(app.db(), claimed.fence).await.unwrap(), RunState::Cancelled),
        false => jobs::finish_run(app.db(), claimed.fence, &RunCounts::new(), None).await.unwrap(),
    }
}

/// A run ends once, whichever side is quicker, and the response of the cancelling call stays true.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_races_with_the_end_of_the_run_has_one_winner() {
    let database = database().await;
    let app = database.app();
    for round in 0..60_u32 {
        let run = request(&app).await;
        let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
        let cancelling = async {
            for _ in 0..round % 7 {
                app.db().ping().await.unwrap();
            }
            cancel(&app, run.id).await
        };
        let ((), asked) = tokio::join!(end_after(&app, &claimed, round % 11), cancelling);
        let ended = find(&app, run.id).await;
        assert!([RunState::Succeeded, RunState::Cancelled].contains(&ended.state), "{ended:?}");
        assert!(asked.state == RunState::Running || asked == ended, "{asked:?} {ended:?}");
        assert_eq!(ended.cancel_requested_at, asked.cancel_requested_at);
        assert_eq!(cancel(&app, run.id).await, ended);
    }
    // Without a race the first one wins.
    for cancels_first in [true, false] {
        let run = request(&app).await;
        let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
        if cancels_first {
            cancel(&app, run.id).await;
        }
        end_after(&app, &claimed, 0).await;
        let expected = if cancels_first { RunState::Cancelled } else { RunState::Succeeded };
        assert_eq!(cancel(&app, run.id).await.state, expected);
    }
}
