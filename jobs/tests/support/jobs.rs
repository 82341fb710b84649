//! A test job and its runs.

use std::time::Duration;

use rollcall_app::App;
use rollcall_jobs::engine::{DEFAULT_MAX_BACKOFF, Engine, EngineOptions, JobCompletion, JobFn, JobSpec};
use rollcall_store::jobs::{self, JobRun, RequestedRun, RunCounts, RunState};
use uuid::Uuid;

use super::until;

pub(crate) const JOB: &str = "test-job";
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) fn spec(run: JobFn) -> JobSpec {
    let timeout = Duration::from_secs(60);
    JobSpec {
        name: JOB,
        description: "Tests.",
        schedule: None,
        timeout,
        attempts: 3,
        max_backoff: DEFAULT_MAX_BACKOFF,
        run,
        share: None,
    }
}

pub(crate) fn options() -> EngineOptions {
    EngineOptions { first_backoff: Duration::from_millis(10), ..EngineOptions::default() }
}

pub(crate) async fn start(app: &App, spec: JobSpec) -> Engine {
    Engine::start(app.clone(), vec![spec], options()).await.unwrap()
}

pub(crate) fn done() -> JobCompletion {
    JobCompletion::Done { outcome: RunCounts::new(), report: None }
}

pub(crate) async fn request(app: &App) -> JobRun {
    match jobs::request_run(app.db(), JOB).await.unwrap() {
        RequestedRun::Created(run) => run,
        RequestedRun::AlreadyOpen(run) => panic!("{run:?} is open"),
    }
}

pub(crate) async fn find(app: &App, id: Uuid) -> JobRun {
    jobs::find_run(app.db(), id).await.unwrap().unwrap()
}

/// Waits until the run is in a state.
pub(crate) async fn reached(app: &App, id: Uuid, state: RunState) -> JobRun {
    let what = format!("{} of the run", state.as_str());
    until(&what, async || Some(find(app, id).await).filter(|run| run.state == state)).await
}

/// Returns the runs, newest first.
pub(crate) async fn runs_of(app: &App, job: &str) -> Vec<JobRun> {
    jobs::list_runs(app.db(), Some(job), None, 1000).await.unwrap()
}

pub(crate) async fn runs(app: &App) -> Vec<JobRun> {
    let mut runs = jobs::list_runs(app.db(), Some(JOB), None, 1000).await.unwrap();
    runs.reverse();
    runs
}
