//! Cancelled runs: while they wait, while they are in flight, and after their process has died.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{future::pending, sync::Arc, time::Duration};

use rollcall_app::App;
use rollcall_domain::OrganizationId;
use rollcall_jobs::engine::{Ended, Engine, EngineError, EngineOptions, JobContext, JobError, job_fn, run_requested};
use rollcall_store::{
    Error, SystemConn, WriteTx,
    jobs::{self, ClaimedRun, Counts, JobRun, RunState},
};
use support::{
    database,
    jobs::{DEADLINE, JOB, done, find, options, reached, request, spec, start},
    seed::{connect, organization_sql},
    until,
};
use tokio::sync::Notify;
use uuid::Uuid;

/// The heartbeat interval is short, so that the job notices the cancellation quickly.
fn attentive() -> EngineOptions {
    EngineOptions { heartbeat: Duration::from_millis(20), ..options() }
}

async fn cancel(app: &App, run: Uuid) -> JobRun {
    let cancelling = async |conn: &mut SystemConn| jobs::cancel_run(conn, JOB, run).await;
    app.db().system("cancel_run", cancelling).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_run_is_cancelled_at_once_and_stays_cancelled() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let cancelled = cancel(&app, run.id).await;
    assert_eq!((cancelled.state, cancelled.attempt, cancelled.started_at), (RunState::Cancelled, 0, None));
    assert!(cancelled.ended_at.is_some() && cancelled.ended_at == cancelled.cancel_requested_at);
    assert_eq!(cancel(&app, run.id).await, cancelled, "an ended run is unchanged");
    assert_eq!(jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap(), None);
    // The cancelled run does not block another run.
    let engine = start(&app, spec(job_fn(|_| async { Ok(done()) }))).await;
    let next = request(&app).await;
    reached(&app, next.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
    assert_eq!(find(&app, run.id).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_in_flight_run_finishes_its_chunk_and_is_cancelled() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        jobs::save_progress(context.app.db(), context.fence, "begun", &[("chunks", 1)]).await?;
        context.cancel.cancelled().await;
        jobs::save_progress(context.app.db(), context.fence, "ended", &[("chunks", 1)]).await?;
        Ok(Ended::Stopped)
    });
    let engine = Engine::start(app.clone(), vec![spec(job)], attentive()).await.unwrap();
    let run = request(&app).await;
    until("the first chunk", async || find(&app, run.id).await.outcome.contains_key("chunks").then_some(())).await;
    let asked = cancel(&app, run.id).await;
    assert_eq!((asked.state, asked.ended_at), (RunState::Running, None));
    let cancelled = reached(&app, run.id, RunState::Cancelled).await;
    assert_eq!((cancelled.attempt, &cancelled.failure), (1, &None));
    assert_eq!(cancelled.outcome, Counts::from([("chunks".to_owned(), 2)]), "the completed work is kept");
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
    let slow =
        EngineOptions { first_pause: Duration::from_secs(600), longest_pause: Duration::from_secs(600), ..options() };
    let job = job_fn(|_| async { Err(JobError::retryable("no luck")) });
    let engine = Engine::start(app.clone(), vec![spec(job)], slow).await.unwrap();
    let run = request(&app).await;
    let failed = async || Some(find(&app, run.id).await).filter(|run| run.failure.is_some());
    until("the first failure", failed).await;
    let cancelled = cancel(&app, run.id).await;
    assert_eq!((cancelled.state, cancelled.failure.as_deref()), (RunState::Cancelled, Some("no luck")));
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_of_a_cancelled_run_ends_it() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let dead = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    jobs::save_progress(app.db(), dead.fence, "half", &[("done", 2)]).await.unwrap();
    assert_eq!(cancel(&app, run.id).await.state, RunState::Running);
    jobs::extend_lease(app.db(), dead.fence, Duration::ZERO).await.unwrap();

    let engine = start(&app, spec(job_fn(|_| async { panic!("nobody works on it") }))).await;
    let cancelled = reached(&app, run.id, RunState::Cancelled).await;
    assert_eq!((cancelled.attempt, cancelled.failure), (1, None));
    assert_eq!(cancelled.outcome, Counts::from([("done".to_owned(), 2)]));
    let late = jobs::finish_run(app.db(), dead.fence, &Counts::new(), None).await;
    assert!(matches!(late, Err(Error::FenceLost)), "{late:?}");
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_an_expired_lease_is_cancelled_at_once() {
    let database = database().await;
    let app = database.app();
    connect(&database).await.batch_execute(&organization_sql("acme", "MIGRATED")).await.unwrap();
    let run = request(&app).await;
    let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    let (db, fence) = (app.db(), claimed.fence);
    // The lease has expired, but an effect is in flight, so a process still executes the run.
    let effect = async |_: &mut WriteTx| {
        jobs::extend_lease(db, fence, Duration::ZERO).await?;
        let cancelling = async |conn: &mut SystemConn| jobs::cancel_run(conn, JOB, run.id).await;
        db.system("cancel_run", cancelling).await
    };
    let acme = OrganizationId::trusted("acme");
    let meanwhile = tokio::time::timeout(DEADLINE, db.write_fenced(&acme, "effect", fence, effect)).await;
    assert_eq!(meanwhile.unwrap().unwrap().unwrap().state, RunState::Running);

    assert_eq!(cancel(&app, run.id).await.state, RunState::Cancelled);
    let late = db.write_fenced(&acme, "late", fence, async |_: &mut WriteTx| Ok::<_, Error>(()));
    assert!(matches!(late.await, Err(Error::FenceLost)));
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
            Ok(Ended::Stopped)
        }
    });
    let cancelling = async {
        begun.notified().await;
        let open = jobs::list_runs(app.db(), Some(JOB), None, 1).await.unwrap().remove(0);
        cancel(&app, open.id).await
    };
    let running = run_requested(&app, spec(job), attentive(), pending(), |_| {});
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
    let refused = run_requested(&app, job(), options(), pending(), |_| {}).await;
    assert!(matches!(refused, Err(EngineError::AlreadyOpen(open)) if open.id == run.id));
    jobs::extend_lease(app.db(), claimed.fence, Duration::ZERO).await.unwrap();
    let next = run_requested(&app, job(), options(), pending(), |_| {}).await.unwrap();
    assert_eq!((next.id == run.id, next.state), (false, RunState::Succeeded));
    assert_eq!(find(&app, run.id).await.state, RunState::Cancelled);
}

/// Ends a run as its process would, after some queries.
async fn end_after(app: &App, claimed: &ClaimedRun, questions: u32) {
    for _ in 0..questions {
        app.db().ping().await.unwrap();
    }
    match jobs::extend_lease(app.db(), claimed.fence, DEADLINE).await.unwrap() {
        true => assert_eq!(jobs::release_run(app.db(), claimed.fence).await.unwrap(), RunState::Cancelled),
        false => jobs::finish_run(app.db(), claimed.fence, &Counts::new(), None).await.unwrap(),
    }
}

/// A run ends exactly once, and the response of the cancellation is correct.
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
    // Without a race, the winner is certain.
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
