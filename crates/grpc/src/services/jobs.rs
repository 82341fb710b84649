//! `JobService`.

use std::time::Duration;

use rollcall_app::{
    Error,
    jobs::{JobRun, JobView},
};
use rollcall_domain::{Timestamp, names};
use rollcall_proto::v1::{self, job_service_server::JobService};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::Services;
use crate::{
    call::{parse, respond},
    checks::Checks,
    convert::jobs::{to_job, to_refused, to_run},
    mutation::Mutation,
    pages::Page,
    status::to_status,
};

const WAIT_DEFAULT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(600);
/// How many organizations that a run could not change are listed at most.
const REFUSED_MAX: u32 = 1_000;

#[tonic::async_trait]
impl JobService for Services {
    async fn run_job(&self, request: Request<v1::RunJobRequest>) -> Result<Response<v1::RunJobResponse>, Status> {
        let (mutation, (job, wait)) = Mutation::parse(request.into_inner(), |request, checks| {
            let job = checks.take("name", names::parse_job(&request.name));
            let wait = parse_wait(checks, request.wait_timeout);
            Some((job?, wait))
        })?;
        self.check_job(&job)?;
        // With `validate_only` no run exists: the response shows one without a name, which would be pending.
        let not_started = || v1::JobRun { state: v1::JobRunState::Pending.into(), ..Default::default() };
        let started = mutation
            .run(
                async |context| self.app.run_job(context, &job).await,
                |started| v1::RunJobResponse { run: Some(started.value.as_ref().map_or_else(not_started, to_run)) },
            )
            .await?;
        // A repeated request gets the same run, in its present state.
        match names::parse_job_run(&started.get_ref().run.clone().unwrap_or_default().name) {
            Err(_) => Ok(started),
            Ok((job, run)) => respond(self.app.wait_for_job_run(&job, run, wait).await, |run| v1::RunJobResponse {
                run: Some(to_run(&run)),
            }),
        }
    }

    async fn list_jobs(&self, request: Request<v1::ListJobsRequest>) -> Result<Response<v1::ListJobsResponse>, Status> {
        let ((), page) = self.pages.parse_list(request, |_, _| Some(()))?;
        let after = page.after();
        let jobs = self.jobs.iter().filter(|job| after.is_none_or(|after| job.name > after)).cloned().collect();
        respond(self.app.view_jobs(jobs).await, |views| {
            let cursor = |_: &[JobView], last: &JobView| last.info.name.to_owned();
            let (jobs, next_page_token) = page.render(&views, to_job, cursor);
            v1::ListJobsResponse { jobs, next_page_token }
        })
    }

    async fn cancel_job_run(
        &self,
        request: Request<v1::CancelJobRunRequest>,
    ) -> Result<Response<v1::CancelJobRunResponse>, Status> {
        let (mutation, (job, run)) = Mutation::parse(request.into_inner(), |request, checks| {
            checks.take("name", names::parse_job_run(&request.name))
        })?;
        mutation
            .run(
                async |context| self.app.cancel_job_run(context, &job, run).await,
                |cancelled| v1::CancelJobRunResponse { run: Some(to_run(&cancelled.value)) },
            )
            .await
    }

    async fn get_job_run(
        &self,
        request: Request<v1::GetJobRunRequest>,
    ) -> Result<Response<v1::GetJobRunResponse>, Status> {
        let (job, id) = parse(request, |request, checks| checks.take("name", names::parse_job_run(&request.name)))?;
        let run = self.app.get_job_run(&job, id).await.map_err(to_status)?;
        respond(self.app.list_run_refusals(id, REFUSED_MAX).await, |refused| v1::GetJobRunResponse {
            run: Some(to_run(&run)),
            refused_organizations: refused.iter().map(to_refused).collect(),
        })
    }

    async fn list_job_runs(
        &self,
        request: Request<v1::ListJobRunsRequest>,
    ) -> Result<Response<v1::ListJobRunsResponse>, Status> {
        let (job, page) = self
            .pages
            .parse_list(request, |request, checks| checks.take("parent", names::parse_job(&request.parent)))?;
        let job = self.one_or_all(&job)?;
        respond(self.app.list_job_runs(job, time_and_id(&page), page.limit()).await, |runs| {
            let cursor = |_: &[JobRun], last: &JobRun| format!("{} {}", last.scheduled_for.timestamp_micros(), last.id);
            let (runs, next_page_token) = page.render(&runs, to_run, cursor);
            v1::ListJobRunsResponse { runs, next_page_token }
        })
    }
}

impl Services {
    /// Returns a parsed job that must exist; `None` for `-`, which means all jobs.
    pub(super) fn one_or_all<'a>(&self, job: &'a str) -> Result<Option<&'a str>, Status> {
        let job = Some(job).filter(|job| *job != "-");
        job.map_or(Ok(()), |job| self.check_job(job))?;
        Ok(job)
    }

    fn check_job(&self, job: &str) -> Result<(), Status> {
        match self.jobs.iter().any(|known| known.name == job) {
            true => Ok(()),
            false => Err(to_status(Error::JobNotFound(job.to_owned()))),
        }
    }
}

/// Parses how long a call waits for the end of its run.
pub(super) fn parse_wait(checks: &mut Checks, timeout: Option<prost_types::Duration>) -> Duration {
    let wait = timeout.map_or(Some(WAIT_DEFAULT), to_duration).unwrap_or(Duration::MAX);
    checks.require(wait <= WAIT_MAX, "wait_timeout", "wait from 0 s to 10 min; then ask GetJobRun");
    wait
}

/// Converts a duration; `None` if it is negative or not normalized. The conversion of prost overflows for the smallest
/// number of seconds.
fn to_duration(duration: prost_types::Duration) -> Option<Duration> {
    let nanos = u32::try_from(duration.nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(duration.seconds).ok()?, nanos))
}

/// Parses the cursor of a list of runs or of their events, which is a time and an id.
pub(super) fn time_and_id(page: &Page) -> Option<(Timestamp, Uuid)> {
    let (time, id) = page.after()?.split_once(' ')?;
    Some((Timestamp::from_timestamp_micros(time.parse().ok()?)?, id.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_outside_of_the_limits_are_violations() {
        let is_accepted = |seconds, nanos| {
            let mut checks = Checks::default();
            parse_wait(&mut checks, Some(prost_types::Duration { seconds, nanos }));
            checks.finish(Some(())).is_ok()
        };
        assert!(is_accepted(0, 0) && is_accepted(600, 0) && is_accepted(1, 999_999_999));
        for (seconds, nanos) in [(-1, 0), (i64::MIN, 0), (0, i32::MIN), (i64::MAX, 0), (600, 1), (0, 1_000_000_000)] {
            assert!(!is_accepted(seconds, nanos), "{seconds} {nanos}");
        }
    }
}
