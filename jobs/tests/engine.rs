//! The engine on a real Postgres: several engines, schedules, processes that lost their lease, and requests.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{
    collections::BTreeSet,
    future::pending,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono_tz::UTC;
use rollcall_domain::{OrganizationId, Timestamp};
use rollcall_jobs::engine::{
    Engine, EngineError, JobCompletion, JobContext, JobError, JobFn, JobSpec, Schedule, job_fn, run_in_process,
};
use rollcall_store::{
    Error, WriteOptions, WriteTx,
    jobs::{self, RequestedRun, RunCounts, RunState},
};
use support::{
    Database, database,
    jobs::{DEADLINE, JOB, done, find, options, reached, request, runs, spec, start},
    seed::{connect, organization_sql},
    until,
};
use tokio::sync::Notify;

fn every_second(run: JobFn) -> JobSpec {
    let schedule = Some(Schedule { cron: "* * * * * *".into(), time_zone: UTC });
    JobSpec { schedule, ..spec(run) }
}

/// Sets the job's schedule back by ten seconds, and returns that time.
async fn set_schedule_back(database: &Database) -> Timestamp {
    let app = database.app();
    jobs::register_jobs(app.db(), &[JOB], &[]).await.unwrap();
    let now = jobs::clock(app.db()).await.unwrap();
    let old = Timestamp::from_timestamp(now.timestamp() - 10, 0).unwrap();
    let sql = "UPDATE jobs SET scheduled_until = to_timestamp($1::bigint)";
    connect(database).await.execute(sql, &[&old.timestamp()]).await.unwrap();
    old
}

#[tokio::test(flavor = "multi_thread")]
async fn two_engines_run_each_occurrence_once() {
    let database = database().await;
    let ran: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let mut engines = Vec::new();
    for _ in 0..2 {
        let ran = ran.clone();
        let job = job_fn(move |context: JobContext| {
            ran.lock().unwrap().push(context.run.scheduled_for);
            async { Ok(done()) }
        });
        engines.push(start(&database.app(), every_second(job)).await);
    }
    until("five runs", async || (ran.lock().unwrap().len() >= 5).then_some(())).await;
    for engine in engines {
        engine.stop(DEADLINE).await;
    }
    let ran = ran.lock().unwrap().clone();
    let distinct: BTreeSet<_> = ran.iter().copied().collect();
    assert_eq!(distinct.len(), ran.len(), "{ran:?}");
    // A second for which no engine was in time is skipped, not lost.
    let runs = runs(&database.app()).await;
    let seconds: Vec<i64> = runs.iter().map(|run| run.scheduled_for.timestamp()).collect();
    assert!(seconds.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seconds:?}");
    let succeeded = runs.iter().filter(|run| run.state == RunState::Succeeded);
    assert_eq!(succeeded.map(|run| run.scheduled_for).collect::<BTreeSet<_>>(), distinct);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_an_expired_lease_is_taken_over_and_its_zombie_cannot_write() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let lease = Duration::from_millis(1);
    let zombie = jobs::claim_run(app.db(), JOB, lease).await.unwrap().unwrap();
    jobs::add_progress(app.db(), zombie.fence, &[("done", 2)]).await.unwrap();

    let job = job_fn(|context: JobContext| async move {
        assert_eq!(context.run.outcome, RunCounts::from([("done".to_owned(), 2)]));
        assert_eq!(context.run.attempt, 2);
        jobs::add_progress(context.app.db(), context.fence, &[("done", 3)]).await?;
        context.cancel.cancelled().await;
        Ok(done())
    });
    let engine = start(&app, spec(job)).await;
    until("the takeover", async || (find(&app, run.id).await.outcome.get("done") == Some(&5)).then_some(())).await;

    let db = app.db();
    let refused = [
        jobs::extend_lease(db, zombie.fence, lease).await.map(drop),
        jobs::add_progress(db, zombie.fence, &[("done", 1)]).await,
        jobs::finish_run(db, zombie.fence, &RunCounts::new(), None).await,
        jobs::fail_run(db, zombie.fence, "zombie", &RunCounts::new()).await,
        jobs::retry_run(db, zombie.fence, "zombie", lease).await.map(drop),
        jobs::release_run(db, zombie.fence).await.map(drop),
    ];
    for refused in refused {
        assert!(matches!(refused, Err(Error::FenceLost)), "{refused:?}");
    }
    engine.stop(DEADLINE).await;
    let run = find(&app, run.id).await;
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 2));
    assert_eq!(run.outcome, RunCounts::from([("done".to_owned(), 5)]));
    let late = jobs::finish_run(db, zombie.fence, &RunCounts::new(), None).await;
    assert!(matches!(late, Err(Error::FenceLost)), "{late:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_in_flight_effect_allows_the_heartbeat_and_no_other_claim() {
    let database = database().await;
    let app = database.app();
    connect(&database).await.batch_execute(&organization_sql("acme", "MIGRATED")).await.unwrap();
    request(&app).await;
    let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    let (db, fence) = (app.db(), claimed.fence);
    let effect = async |_: &mut WriteTx| {
        jobs::extend_lease(db, fence, Duration::ZERO).await?;
        jobs::claim_run(db, JOB, DEADLINE).await
    };
    let acme = OrganizationId::trusted("acme");
    let meanwhile = db.write(&acme, WriteOptions::fenced("effect", fence), effect);
    let meanwhile = tokio::time::timeout(DEADLINE, meanwhile).await.unwrap().unwrap();
    assert_eq!(meanwhile, None);
    let heir = jobs::claim_run(db, JOB, DEADLINE).await.unwrap().unwrap();
    assert_eq!(heir.fence.number, fence.number + 1);
    let late = db.write(&acme, WriteOptions::fenced("late", fence), async |_: &mut WriteTx| Ok::<_, Error>(()));
    assert!(matches!(late.await, Err(Error::FenceLost)));
    let other = db.write(&acme, "other", async |_: &mut WriteTx| Ok::<_, Error>(()));
    tokio::time::timeout(DEADLINE, other).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_missed_time_is_run_and_the_others_are_skipped() {
    let database = database().await;
    let app = database.app();
    let ran: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let seen = ran.clone();
    let job = job_fn(move |context: JobContext| {
        seen.lock().unwrap().push(context.run.scheduled_for);
        async { Ok(done()) }
    });
    // A process created a run ten seconds ago and died. A run was requested after that.
    let old = set_schedule_back(&database).await;
    let asked_for = old + Duration::from_millis(500);
    for time in [old, asked_for] {
        jobs::schedule_run(app.db(), JOB, time, &[]).await.unwrap();
    }
    let engine = start(&app, every_second(job)).await;
    until("two runs", async || (ran.lock().unwrap().len() >= 2).then_some(())).await;
    engine.stop(DEADLINE).await;

    let runs = runs(&app).await;
    let state = |time: Timestamp| runs.iter().find(|run| run.scheduled_for == time).map(|run| run.state);
    assert_eq!(state(old), Some(RunState::Skipped), "{runs:?}");
    assert_eq!(state(asked_for), Some(RunState::Succeeded));
    // For nine seconds there was no engine: the last second is run, the seconds before are skipped.
    for second in 1..9 {
        assert_eq!(state(old + Duration::from_secs(second)), Some(RunState::Skipped), "{second}");
    }
    let ran = ran.lock().unwrap().clone();
    assert_eq!(ran[0], asked_for);
    assert!(ran[1] >= old + Duration::from_secs(9), "{ran:?}");
}

/// For ten seconds there was no engine: once before the job's first run, and once before a requested run.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_continues_after_its_last_time_whatever_runs_exist() {
    for requested in [false, true] {
        let database = database().await;
        let app = database.app();
        let old = set_schedule_back(&database).await;
        if requested {
            request(&app).await;
        }
        let engine = start(&app, every_second(job_fn(|_| async { Ok(done()) }))).await;
        let skipped = async || {
            let runs = runs(&app).await;
            let times: Vec<_> = runs.iter().filter(|run| run.state == RunState::Skipped).collect();
            times.iter().map(|run| run.scheduled_for).collect::<BTreeSet<_>>()
        };
        let missed: BTreeSet<_> = (1..9).map(|second| old + Duration::from_secs(second)).collect();
        until("the missed times", async || skipped().await.is_superset(&missed).then_some(())).await;
        engine.stop(DEADLINE).await;
    }
}

/// The newest run may come from an older release, or from a request before the job had a schedule.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_begins_once_after_the_newest_run_or_now() {
    let database = database().await;
    let app = database.app();
    let until = async |scheduled: &[&str]| {
        jobs::register_jobs(app.db(), &[JOB], scheduled).await.unwrap();
        jobs::list_statuses(app.db(), &[JOB]).await.unwrap().remove(0)
    };
    assert_eq!(until(&[]).await.scheduled_until, None);
    let before = until(&[]).await.now;
    let began = until(&[JOB]).await;
    assert!((before..=began.now).contains(&began.scheduled_until.unwrap()));
    let run = request(&app).await;
    assert_eq!(until(&[JOB]).await.scheduled_until, began.scheduled_until);
    connect(&database).await.execute("UPDATE jobs SET scheduled_until = NULL", &[]).await.unwrap();
    assert_eq!(until(&[JOB]).await.scheduled_until, Some(run.scheduled_for));
}

#[tokio::test(flavor = "multi_thread")]
async fn times_before_the_first_start_were_not_missed() {
    let database = database().await;
    let app = database.app();
    let schedule = Some(Schedule { cron: "0 2 29 2 *".into(), time_zone: UTC });
    let engine = start(&app, JobSpec { schedule, ..spec(job_fn(|_| async { Ok(done()) })) }).await;
    // A requested run that has ended shows that ticks have passed.
    let run = request(&app).await;
    reached(&app, run.id, RunState::Succeeded).await;
    engine.stop(DEADLINE).await;
    assert_eq!(runs(&app).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_during_an_open_run_is_refused() {
    let database = database().await;
    let app = database.app();
    let run = request(&app).await;
    let again = jobs::request_run(app.db(), JOB).await.unwrap();
    assert_eq!(again, RequestedRun::AlreadyOpen(run.clone()));
    let claimed = jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap().unwrap();
    assert_eq!(claimed.run.id, run.id);
    let again = jobs::request_run(app.db(), JOB).await.unwrap();
    assert!(matches!(again, RequestedRun::AlreadyOpen(open) if open.id == run.id));
    assert_eq!(jobs::claim_run(app.db(), JOB, DEADLINE).await.unwrap(), None);
    jobs::finish_run(app.db(), claimed.fence, &RunCounts::new(), None).await.unwrap();
    let next = jobs::request_run(app.db(), JOB).await.unwrap();
    assert!(matches!(next, RequestedRun::Created(next) if next.id != run.id));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_concurrent_requests_one_creates_a_run() {
    let database = database().await;
    let app = database.app();
    let mut asking = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let app = app.clone();
        asking.spawn(async move { jobs::request_run(app.db(), JOB).await.unwrap() });
    }
    let answers = asking.join_all().await;
    let started = answers.iter().filter(|answer| matches!(answer, RequestedRun::Created(_))).count();
    assert_eq!((started, runs(&app).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_a_job_without_an_engine() {
    let database = database().await;
    let app = database.app();
    let job = job_fn(|context: JobContext| async move {
        if context.run.attempt == 1 { Err(JobError::retryable("not yet")) } else { Ok(done()) }
    });
    let mut seen = Vec::new();
    let run = run_in_process(&app, spec(job), options(), pending(), |run| seen.push(run.state));
    let run = run.await.unwrap();
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 2));
    assert_eq!(seen.last(), Some(&RunState::Succeeded));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_leaves_a_live_run_alone_and_takes_over_a_dead_one() {
    let database = database().await;
    let app = database.app();
    let job = || spec(job_fn(|_| async { Ok(done()) }));
    let open = request(&app).await;
    let alive = jobs::claim_run(app.db(), JOB, Duration::from_secs(60)).await.unwrap().unwrap();
    let refused = run_in_process(&app, job(), options(), pending(), |_| {}).await;
    assert!(matches!(refused, Err(EngineError::AlreadyOpen(run)) if run.id == open.id));
    jobs::extend_lease(app.db(), alive.fence, Duration::ZERO).await.unwrap();
    let run = run_in_process(&app, job(), options(), pending(), |_| {}).await.unwrap();
    assert_eq!((run.id, run.state, run.attempt), (open.id, RunState::Succeeded, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_command_releases_the_lease() {
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
    let run = run_in_process(&app, spec(job), options(), begun.notified(), |_| {}).await.unwrap();
    assert_eq!((run.state, run.attempt), (RunState::Pending, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_schedule_is_refused_at_start() {
    let database = database().await;
    let schedule = Some(Schedule { cron: "at night".into(), time_zone: UTC });
    let bad = JobSpec { schedule, ..spec(job_fn(|_| async { Ok(done()) })) };
    let refused = Engine::start(database.app(), vec![bad], options()).await.err().unwrap();
    let text = refused.to_string();
    assert_eq!(text, "the schedule of the job test-job cannot be read: it must have five or six fields");
}
