//! Jobs, their runs, and the mixed-settings report through the API (product.md 8).

#![allow(clippy::unwrap_used)]

mod cancel;
mod listed;
mod reports;
mod requests;
mod runs;

use prost_types::Duration;
use rollcall_proto::v1::{GetJobRunRequest, JobRun, JobRunState, ListJobRunsRequest, RunJobRequest};
use rollcall_testkit::TestServer;

pub(crate) const MIGRATION: &str = "settings-migration";
pub(crate) const REPORT: &str = "mixed-settings-report";

pub(crate) fn run(job: &str, wait: Option<i64>) -> RunJobRequest {
    let wait_timeout = wait.map(|seconds| Duration { seconds, nanos: 0 });
    RunJobRequest { name: format!("jobs/{job}"), wait_timeout, ..Default::default() }
}

pub(crate) async fn get(server: &TestServer, name: &str) -> JobRun {
    let request = GetJobRunRequest { name: name.to_owned() };
    server.jobs().get_job_run(request).await.unwrap().into_inner().run.unwrap()
}

pub(crate) fn runs(job: &str, page_size: i32, page_token: &str) -> ListJobRunsRequest {
    ListJobRunsRequest { parent: format!("jobs/{job}"), page_size, page_token: page_token.to_owned() }
}

pub(crate) async fn list(server: &TestServer, job: &str) -> Vec<JobRun> {
    server.jobs().list_job_runs(runs(job, 0, "")).await.unwrap().into_inner().runs
}

/// Runs a job that must succeed.
pub(crate) fn ended(run: &JobRun, outcome: &[(&str, i32)], report: &str) -> JobRun {
    JobRun {
        state: JobRunState::Succeeded.into(),
        attempt: 1,
        outcome: outcome.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        failure: String::new(),
        report: report.to_owned(),
        ..run.clone()
    }
}
/// Waits until a run has ended.
pub(crate) async fn over(server: &TestServer, name: &str) -> JobRun {
    loop {
        let run = get(server, name).await;
        if run.end_time.is_some() {
            return run;
        }
        tokio::task::yield_now().await;
    }
}
