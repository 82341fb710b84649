//! `JobService`.

use std::{collections::HashMap, time::Duration};

use rollcall_app::{
    Error,
    jobs::{JobRun, RunState},
};
use rollcall_domain::Timestamp;
use rollcall_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Page, Services};
use crate::{convert::to_timestamp, names, request::Checks, status::to_status};

const WAIT_DEFAULT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(600);

#[tonic::async_trait]
impl JobService for Services {
    async fn run_job(&self, request: Request<v1::RunJobRequest>) -> Result<Response<v1::RunJobResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        checks.not_honoured_yet("request_id", !request.request_id.is_empty());
        checks.not_honoured_yet("validate_only", request.validate_only);
        let job = checks.take("name", names::parse_job(&request.name));
        let wait = request.wait_timeout.map_or(Ok(WAIT_DEFAULT), Duration::try_from).unwrap_or(Duration::MAX);
        checks.require(wait <= WAIT_MAX, "wait_timeout", "wait from 0 s to 10 min; then ask GetJobRun");
        let job = checks.finish_with(job)?;
        self.know(&job)?;
        let run = self.app.run_job(&job, wait).await.map_err(to_status)?;
        Ok(Response::new(v1::RunJobResponse { run: Some(to_run(run)) }))
    }

    async fn get_job_run(
        &self,
        request: Request<v1::GetJobRunRequest>,
    ) -> Result<Response<v1::GetJobRunResponse>, Status> {
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_job_run(&request.into_inner().name));
        let (job, run) = checks.finish_with(name)?;
        let run = self.app.get_job_run(&job, run).await.map_err(to_status)?;
        Ok(Response::new(v1::GetJobRunResponse { run: Some(to_run(run)) }))
    }

    async fn list_job_runs(
        &self,
        request: Request<v1::ListJobRunsRequest>,
    ) -> Result<Response<v1::ListJobRunsResponse>, Status> {
        const METHOD: &str = "ListJobRuns";
        let request = request.into_inner();
        let arguments = v1::ListJobRunsRequest { parent: request.parent.clone(), ..Default::default() };
        let mut checks = Checks::new();
        let job = checks.take("parent", names::parse_job(&request.parent));
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        let job = checks.finish_with(job)?;
        let job = Some(job).filter(|job| job != "-");
        if let Some(job) = &job {
            self.know(job)?;
        }
        let listed = self.app.list_job_runs(job.as_deref(), time_and_id(&page), page.size + 1);
        let mut runs = listed.await.map_err(to_status)?;
        let cursor = |run: &JobRun| format!("{} {}", run.scheduled_for.timestamp_micros(), run.id);
        let next_page_token = self.next(METHOD, &arguments, &page, &mut runs, cursor);
        Ok(Response::new(v1::ListJobRunsResponse { runs: runs.into_iter().map(to_run).collect(), next_page_token }))
    }
}

impl Services {
    fn know(&self, job: &str) -> Result<(), Status> {
        match self.jobs.contains(&job) {
            true => Ok(()),
            false => Err(to_status(Error::JobNotFound(job.to_owned()))),
        }
    }
}

/// A cursor of a time and an id, which this server has signed.
fn time_and_id(page: &Page) -> Option<(Timestamp, Uuid)> {
    let (time, id) = page.after.as_deref()?.split_once(' ')?;
    Some((Timestamp::from_timestamp_micros(time.parse().ok()?)?, id.parse().ok()?))
}

fn to_run(run: JobRun) -> v1::JobRun {
    let state = match run.state {
        RunState::Pending => v1::JobRunState::Pending,
        RunState::Running => v1::JobRunState::Running,
        RunState::Succeeded => v1::JobRunState::Succeeded,
        RunState::Failed => v1::JobRunState::Failed,
        RunState::Skipped => v1::JobRunState::Skipped,
    };
    let count = |(name, count): (String, i64)| (name, i32::try_from(count).unwrap_or(i32::MAX));
    v1::JobRun {
        name: names::job_run(&run.job, run.id),
        state: state.into(),
        scheduled_time: Some(to_timestamp(run.scheduled_for)),
        start_time: run.started_at.map(to_timestamp),
        end_time: run.ended_at.map(to_timestamp),
        attempt: run.attempt,
        outcome: run.outcome.into_iter().map(count).collect::<HashMap<_, _>>(),
        failure: run.failure.unwrap_or_default(),
        report: run.report.map(|report| names::report(&report)).unwrap_or_default(),
    }
}
