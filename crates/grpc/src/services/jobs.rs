//! `JobService`.

use std::time::Duration;

use rollcall_app::{
    Changed, Error,
    jobs::{JobRun, JobView},
};
use rollcall_domain::Timestamp;
use rollcall_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Page, Services};
use crate::{
    asked::{Asked, respond},
    convert::jobs::{to_job, to_run},
    names,
    request::Checks,
    status::to_status,
};

const WAIT_DEFAULT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(600);

#[tonic::async_trait]
impl JobService for Services {
    async fn run_job(&self, request: Request<v1::RunJobRequest>) -> Result<Response<v1::RunJobResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let job = checks.take("name", names::parse_job(&request.name));
        let wait = request.wait_timeout.map_or(Ok(WAIT_DEFAULT), Duration::try_from).unwrap_or(Duration::MAX);
        checks.require(wait <= WAIT_MAX, "wait_timeout", "wait from 0 s to 10 min; then ask GetJobRun");
        let job = checks.finish_with(job)?;
        self.know(&job)?;
        // One that is only checked would wait, and has no name.
        let unmade = || v1::JobRun { state: v1::JobRunState::Pending.into(), ..Default::default() };
        let render = |changed: &Changed<Option<JobRun>>| v1::RunJobResponse {
            run: Some(changed.value.as_ref().map_or_else(unmade, to_run)),
        };
        let call = asked.call(&render);
        let started = respond(self.app.run_job(&call, &job).await.map_err(to_status)?, render)?;
        // Whoever asks again gets the same run, as it is now.
        match names::parse_job_run(&started.get_ref().run.clone().unwrap_or_default().name) {
            Err(_) => Ok(started),
            Ok((job, run)) => {
                let run = self.app.wait_for_job_run(&job, run, wait).await.map_err(to_status)?;
                Ok(Response::new(v1::RunJobResponse { run: Some(to_run(&run)) }))
            }
        }
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Result<Response<v1::ListJobsResponse>, Status> {
        const METHOD: &str = "ListJobs";
        let request = request.into_inner();
        let arguments = v1::ListJobsRequest::default();
        let mut checks = Checks::new();
        let page = self.page(&mut checks, METHOD, &arguments, request.page_size, &request.page_token);
        checks.finish()?;
        let after = page.after.as_deref();
        let jobs = self.jobs.iter().filter(|job| after.is_none_or(|after| job.name > after)).cloned().collect();
        let viewed = self.app.view_jobs(jobs).await.map_err(to_status)?;
        let cursor = |_: &[JobView], last: &JobView| last.info.name.to_owned();
        let (jobs, next_page_token) = self.shown((METHOD, &arguments), &page, &viewed, to_job, cursor);
        Ok(Response::new(v1::ListJobsResponse { jobs, next_page_token }))
    }

    async fn cancel_job_run(
        &self,
        request: Request<v1::CancelJobRunRequest>,
    ) -> Result<Response<v1::CancelJobRunResponse>, Status> {
        let request = request.into_inner();
        let mut checks = Checks::new();
        let asked = Asked::read(&mut checks, &request);
        let name = checks.take("name", names::parse_job_run(&request.name));
        let (job, run) = checks.finish_with(name)?;
        let render = |changed: &Changed<JobRun>| v1::CancelJobRunResponse { run: Some(to_run(&changed.value)) };
        let call = asked.call(&render);
        respond(self.app.cancel_job_run(&call, &job, run).await.map_err(to_status)?, render)
    }

    async fn get_job_run(
        &self,
        request: Request<v1::GetJobRunRequest>,
    ) -> Result<Response<v1::GetJobRunResponse>, Status> {
        let mut checks = Checks::new();
        let name = checks.take("name", names::parse_job_run(&request.into_inner().name));
        let (job, run) = checks.finish_with(name)?;
        let run = self.app.get_job_run(&job, run).await.map_err(to_status)?;
        Ok(Response::new(v1::GetJobRunResponse { run: Some(to_run(&run)) }))
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
        let runs = listed.await.map_err(to_status)?;
        let cursor = |_: &[JobRun], last: &JobRun| format!("{} {}", last.scheduled_for.timestamp_micros(), last.id);
        let (runs, next_page_token) = self.shown((METHOD, &arguments), &page, &runs, to_run, cursor);
        Ok(Response::new(v1::ListJobRunsResponse { runs, next_page_token }))
    }
}

impl Services {
    fn know(&self, job: &str) -> Result<(), Status> {
        match self.jobs.iter().any(|known| known.name == job) {
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
