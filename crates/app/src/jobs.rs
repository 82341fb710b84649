//! Requesting, cancelling and reading the runs of jobs.

use std::{fmt, sync::Arc, time::Duration};

use rollcall_domain::{Timestamp, names};
use rollcall_store::{
    SystemConn,
    jobs::{self as store, JobRuns, RequestedRun},
};
use tokio::time::Instant;
use uuid::Uuid;

pub use rollcall_store::jobs::{JobAuditEvent, JobRun, RunState};

use crate::{Answer, App, Changed, Error, MutationContext, Result};

/// How often a call that waits for the end of a run reads the run.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Returns whether a job has to stop after its current chunk.
pub type IsStopped<'a> = &'a (dyn Fn() -> bool + Send + Sync);

/// What a job does, and when.
#[derive(Clone, Debug)]
pub struct JobInfo {
    /// The job's name, as in `jobs/{job}`.
    pub name: &'static str,
    /// What the job does, in a sentence.
    pub description: &'static str,
    /// The schedule; `None` for a job that runs on request only.
    pub schedule: Option<JobSchedule>,
}

/// The schedule of a job.
#[derive(Clone)]
pub struct JobSchedule {
    /// A cron expression of five fields.
    pub cron: String,
    /// The IANA name of the time zone of `cron`.
    pub time_zone: &'static str,
    /// Returns the next time of the schedule after a time; `None` after the last one.
    pub next: Arc<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>,
}

impl fmt::Debug for JobSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron, self.time_zone)
    }
}

/// A job with its next, current and last runs.
#[derive(Clone, Debug)]
pub struct JobView {
    /// What the job does, and when.
    pub info: JobInfo,
    /// The next time of the schedule; `None` without a schedule.
    pub next_run: Option<Timestamp>,
    /// The current and the last run.
    pub runs: JobRuns,
}

impl App {
    /// Reads the next, current and last runs of jobs, in the order of `jobs`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn view_jobs(&self, jobs: Vec<JobInfo>) -> Result<Vec<JobView>> {
        let names: Vec<&str> = jobs.iter().map(|job| job.name).collect();
        let mut runs = store::list_current_and_last(&self.db, &names).await?;
        let now = store::clock(&self.db).await?;
        let view = |info: JobInfo| JobView {
            next_run: info.schedule.as_ref().and_then(|schedule| (schedule.next)(now)),
            runs: runs.remove(info.name).unwrap_or_default(),
            info,
        };
        Ok(jobs.into_iter().map(view).collect())
    }

    /// Requests a run of a job. Returns `None` with `validate_only`, which creates no run.
    ///
    /// # Errors
    /// [`Error::JobAlreadyRunning`] while a run of the job is pending or running.
    pub async fn run_job(
        &self,
        context: &MutationContext<'_, Option<JobRun>>,
        job: &str,
    ) -> Result<Answer<Option<JobRun>>> {
        self.once_system(context, "run_job", async |conn: &mut SystemConn| {
            let requested = if context.caller.validate_only {
                store::find_open_run(conn, job).await?.map(RequestedRun::AlreadyOpen)
            } else {
                Some(store::request_run_in(conn, job).await?)
            };
            match requested {
                None => Ok(without_revision(None)),
                Some(RequestedRun::Created(run)) => Ok(without_revision(Some(run))),
                Some(RequestedRun::AlreadyOpen(run)) => Err(Error::JobAlreadyRunning(names::job_run(job, run.id))),
            }
        })
        .await
    }

    /// Waits up to `wait` for the end of a run, and returns the run.
    ///
    /// # Errors
    /// [`Error::JobRunNotFound`] if the job has no such run.
    pub async fn wait_for_job_run(&self, job: &str, run: Uuid, wait: Duration) -> Result<JobRun> {
        let deadline = Instant::now() + wait;
        loop {
            let found = self.get_job_run(job, run).await?;
            if !found.state.is_open() || Instant::now() >= deadline {
                return Ok(found);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    /// Asks a run to stop, and returns the run. A run without a process is cancelled at once; a run with a process is
    /// ended by that process; a run that has ended does not change.
    ///
    /// # Errors
    /// [`Error::JobRunNotFound`] if the job has no such run.
    pub async fn cancel_job_run(
        &self,
        context: &MutationContext<'_, JobRun>,
        job: &str,
        run: Uuid,
    ) -> Result<Answer<JobRun>> {
        self.once_system(context, "cancel_job_run", async |conn: &mut SystemConn| {
            let found = if context.caller.validate_only {
                store::find_run_in(conn, job, run).await?
            } else {
                store::cancel_run(conn, job, run, &context.caller.actor).await?
            };
            Ok(without_revision(found.ok_or_else(|| Error::JobRunNotFound(names::job_run(job, run)))?))
        })
        .await
    }

    /// Reads one run of a job.
    ///
    /// # Errors
    /// [`Error::JobRunNotFound`] if the job has no such run.
    pub async fn get_job_run(&self, job: &str, run: Uuid) -> Result<JobRun> {
        let found = store::find_run(&self.db, run).await?.filter(|found| found.job == job);
        found.ok_or_else(|| Error::JobRunNotFound(names::job_run(job, run)))
    }

    /// Reads up to `limit` runs, newest first: of one job or of all, and only those after the run with the time and id
    /// in `after`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn list_job_runs(
        &self,
        job: Option<&str>,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<JobRun>> {
        Ok(store::list_runs(&self.db, job, after, limit).await?)
    }

    /// Reads up to `limit` audit events of jobs, newest first: the runs of one job or of all that failed or were
    /// cancelled, and only those after the event with the time and run in `after`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn list_job_audit_events(
        &self,
        job: Option<&str>,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<JobAuditEvent>> {
        Ok(store::list_job_audit_events(&self.db, job, after, limit).await?)
    }

    /// Reads the key that all replicas sign page tokens with.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached.
    pub async fn page_token_key(&self) -> Result<Vec<u8>> {
        Ok(rollcall_store::installation::get_page_token_key(&self.db).await?)
    }
}

/// The result of a change that belongs to no organization: it has no revision and no preview.
pub(crate) fn without_revision<T>(value: T) -> Changed<T> {
    Changed { value, preview: None, revision: 0, warnings: Vec::new() }
}
