//! An engine whose connections to the database go silent in the middle of a chunk.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod support;

use std::{sync::Arc, time::Duration};

use rollcall_app::{App, reports::ReportStore};
use rollcall_domain::OrganizationId;
use rollcall_jobs::engine::{Engine, EngineOptions, JobContext, JobFn, job_fn};
use rollcall_store::{
    Db, Error, Limits, Options, WriteOptions, WriteTx,
    jobs::{self, RunState},
};
use rollcall_testkit::{Fault, FaultProxy};
use support::{
    Database, database,
    jobs::{DEADLINE, done, find, options, reached, request, spec},
    seed::{connect, organization_sql},
};
use tokio::{sync::Notify, time::timeout};

/// The service behind a proxy, with time limits that are short enough for a test. The server ends a silent session
/// before a lease expires, as it does with the service's own limits.
async fn behind_proxy(database: &Database) -> (App, FaultProxy) {
    let idle = "options=-c%20idle_in_transaction_session_timeout%3D500ms";
    let separator = if database.url.contains('?') { '&' } else { '?' };
    let proxy = FaultProxy::open(&format!("{}{separator}{idle}", database.url)).await;
    let db = Db::open(&Options::new(proxy.url(), 8)).unwrap();
    let limit = Duration::from_secs(5);
    let db =
        db.with_limits(Limits { connection: limit, statement: limit, write: limit, read: limit, ..Limits::default() });
    (App::new(db, ReportStore::open(&database.reports_url()).unwrap()), proxy)
}

/// A job with one effect. Its first attempt waits before the commit until the test notifies it.
fn one_effect(entered: &Arc<Notify>, go_on: &Arc<Notify>) -> JobFn {
    let (entered, go_on) = (entered.clone(), go_on.clone());
    job_fn(move |context: JobContext| {
        let (entered, go_on) = (entered.clone(), go_on.clone());
        async move {
            let (fence, first) = (context.fence, context.run.attempt == 1);
            let acme = OrganizationId::trusted("acme");
            let effect =
                context.app.db().write(&acme, WriteOptions::fenced("effect", fence), async |tx: &mut WriteTx| {
                    jobs::add_progress_in(tx, fence, &[("effects", 1)]).await?;
                    if first {
                        entered.notify_one();
                        go_on.notified().await;
                    }
                    Ok::<(), Error>(())
                });
            effect.await?;
            Ok(done())
        }
    })
}

async fn assert_taken_over(silence_before_commit: bool) {
    let database = database().await;
    let app = database.app();
    connect(&database).await.batch_execute(&organization_sql("acme", "LEGACY")).await.unwrap();
    let (entered, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let job = one_effect(&entered, &go_on);
    let patience = EngineOptions { lease: Duration::from_secs(4), heartbeat: Duration::from_millis(100), ..options() };
    let (behind, proxy) = behind_proxy(&database).await;
    let first = Engine::start(behind, vec![spec(job.clone())], patience).await.unwrap();
    let run = request(&app).await;
    timeout(DEADLINE, entered.notified()).await.unwrap();
    proxy.inject(Fault::Silence);
    if silence_before_commit {
        go_on.notify_one();
    }
    let second = Engine::start(app.clone(), vec![spec(job)], patience).await.unwrap();
    reached(&app, run.id, RunState::Succeeded).await;
    go_on.notify_one();
    timeout(DEADLINE, first.stop(DEADLINE)).await.expect("a silent database holds the engine up");
    proxy.heal();
    second.stop(DEADLINE).await;
    let run = find(&app, run.id).await;
    assert_eq!((run.attempt, run.outcome["effects"]), (2, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_an_unanswered_commit_is_taken_over_and_has_one_effect() {
    assert_taken_over(true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_silent_inside_a_transaction_is_taken_over_and_has_one_effect() {
    assert_taken_over(false).await;
}
