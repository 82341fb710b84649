//! The ends of attempts: failure, panic, timeout, a lost lease, or a stop.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use rollcall_domain::OrganizationId;
use rollcall_jobs::engine::{Engine, EngineOptions, JobCompletion, JobContext, JobError, JobSpec, job_fn};
use rollcall_store::{
    Error, WriteOptions, WriteTx,
    jobs::{self, JobAuditEvent, RunCounts, RunState},
};
use support::{
    database,
    jobs::{DEADLINE, JOB, done, find, options, reached, request, spec, start},
    seed::{connect, organization_sql},
};
use tokio::sync::Notify;

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_loses_its_lease_is_aborted() {
    struct Ends(Arc<Notify>);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let database = database().await;
    let app = database.app();
    let ended = Arc::new(Notify::new());
    let ends = ended.clone();
    let job = job_fn(move |context: JobContext| {
        let ends = Ends(ends.clone());
        async move {
            if context.run.attempt == 1 {
                pending::<()>().await;
            }
            drop(ends);
            Ok(done())
        }
    });
    // The heartbeat comes long after the lease has expired.
    let late = EngineOptions { lease: Duration::from_millis(100), heartbeat: Duration::from_secs(3), ..options() };
    let first = Engine::start(app.clone(), vec![spec(job.clone())], late).await.unwrap();
    let run = request(&app).await;
    reached(&app, run.id, RunState::Running).await;
    let second = start(&app, spec(job)).await;
    reached(&app, run.id, RunState::Succeeded).await;
    // Once by the attempt that took over, and once by the attempt that was aborted.
    tokio::time::timeout(DEADLINE, ended.notified()).await.unwrap();
    tokio::time::timeout(DEADLINE, ended.notified()).await.unwrap();
    second.stop(DEADLINE).await;
    first.stop(DEADLINE).await;
    assert_eq!(find(&app, run.id).await.attempt, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_job_is_retried_and_then_fails() {
    let database = database().await;
    let app = database.app();
    let tried = Arc::new(AtomicU32::new(0));
    let counter = tried.clone();
    let job = job_fn(move |context: JobContext| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move { Err(JobError::retryable(format!("no luck with attempt {}", context.run.attempt))) }
    });
    let engine = start(&app, spec(job)).await;
    let run = request(&app).await;
    let run = reached(&app, run.id, RunState::Failed).await;
    assert_eq!(run.failure.as_deref(), Some("no luck with attempt 3"));
    assert_eq!((run.attempt, tried.load(Ordering::Relaxed)), (3, 3));
    assert!(run.ended_at.is_some());
    // The audit has the run once, not each attempt.
    let event = JobAuditEvent {
        run_id: run.id,
        job: JOB.to_owned(),
        occurred_at: run.ended_at.unwrap(),
        state: RunState::Failed,
        actor: format!("jobs/{JOB}"),
        cause: "no luck with attempt 3".to_owned(),
    };
    assert_eq!(jobs::list_job_audit_events(app.db(), None, None, 10).await.unwrap(), [event]);
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_failure_is_not_retried() {
    let database = database().await;
    let app = database.app();
    let outcome = RunCounts::from([("failed".to_owned(), 1)]);
    let expected = outcome.clone();
    let job = job_fn(move |_| {
        let outcome = outcome.clone();
        async move { Err(JobError::final_failure("acme: no", outcome)) }
    });
    let engine = start(&app, spec(job)).await;
    let run = request(&app).await;
    let run = reached(&app, run.id, RunState::Failed).await;
    assert_eq!((run.attempt, run.failure.as_deref()), (1, Some("acme: no")));
    assert_eq!(run.outcome, expected);
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_after_a_failure_has_no_failure() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        if context.run.attempt == 1 { Err(JobError::retryable("not yet")) } else { Ok(done()) }
    });
    let engine = start(&app, spec(job)).await;
    let run = request(&app).await;
    let run = reached(&app, run.id, RunState::Succeeded).await;
    assert_eq!((run.attempt, run.failure), (2, None));
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_is_recorded() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        assert!(context.run.attempt == 0, "attempt {} is wrong", context.run.attempt);
        Ok(done())
    });
    let engine = start(&app, JobSpec { attempts: 1, ..spec(job) }).await;
    let run = request(&app).await;
    let run = reached(&app, run.id, RunState::Failed).await;
    assert_eq!(run.failure.as_deref(), Some("the job panicked: attempt 1 is wrong"));
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_hangs_is_aborted_after_its_timeout() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|_| async {
        pending::<()>().await;
        Ok(done())
    });
    let timeout = Duration::from_millis(200);
    let engine = start(&app, JobSpec { attempts: 2, timeout, ..spec(job) }).await;
    let run = request(&app).await;
    let run = reached(&app, run.id, RunState::Failed).await;
    assert_eq!((run.attempt, run.failure.as_deref()), (2, Some("the job took longer than 200ms")));
    engine.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_finishes_the_chunk_and_releases_the_lease() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        let db = context.app.db();
        let outcome = RunCounts::from([("chunks".to_owned(), 1)]);
        if context.run.outcome == outcome {
            return Ok(JobCompletion::Done { outcome, report: None });
        }
        context.cancel.cancelled().await;
        jobs::add_progress(db, context.fence, &[("chunks", 1)]).await?;
        Ok(JobCompletion::Stopped)
    });
    let first = start(&app, spec(job.clone())).await;
    let run = request(&app).await;
    reached(&app, run.id, RunState::Running).await;
    first.stop(DEADLINE).await;
    let stopped = find(&app, run.id).await;
    assert_eq!((stopped.state, stopped.attempt, stopped.failure), (RunState::Pending, 0, None));

    let second = start(&app, spec(job)).await;
    let run = reached(&app, run.id, RunState::Succeeded).await;
    assert_eq!((run.attempt, run.outcome), (1, RunCounts::from([("chunks".to_owned(), 2)])));
    second.stop(DEADLINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_stop_in_time_is_aborted_and_its_lease_released() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|_| async {
        pending::<()>().await;
        Ok(done())
    });
    let engine = start(&app, spec(job)).await;
    let run = request(&app).await;
    reached(&app, run.id, RunState::Running).await;
    engine.stop(Duration::from_millis(100)).await;
    let run = find(&app, run.id).await;
    assert_eq!((run.state, run.attempt), (RunState::Pending, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_aborted_inside_a_transaction_leaves_no_lock() {
    let database = database().await;
    let app = database.app();
    connect(&database).await.batch_execute(&organization_sql("acme", "MIGRATED")).await.unwrap();
    let locked = Arc::new(Notify::new());
    let locks = locked.clone();
    let job = job_fn(move |context: JobContext| {
        let locks = locks.clone();
        async move {
            let hang = async |_: &mut WriteTx| {
                locks.notify_one();
                pending::<Result<(), Error>>().await
            };
            let acme = OrganizationId::trusted("acme");
            context.app.db().write(&acme, WriteOptions::fenced("hang", context.fence), hang).await?;
            Ok(done())
        }
    });
    let engine = start(&app, spec(job)).await;
    let run = request(&app).await;
    locked.notified().await;
    // Other connections are open already, so that only the lock itself could block.
    let pings: Vec<_> = (0..8).map(|_| app.db().ping()).collect();
    futures::future::join_all(pings).await;
    engine.stop(Duration::from_millis(1)).await;
    let run = find(&app, run.id).await;
    assert_eq!((run.state, run.attempt), (RunState::Pending, 0));
    let acme = OrganizationId::trusted("acme");
    let write = app.db().write(&acme, "write", async |_: &mut WriteTx| Ok::<_, Error>(()));
    tokio::time::timeout(DEADLINE, write).await.unwrap().unwrap();
}
