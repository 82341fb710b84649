//! Asking for runs of jobs and for their end, and looking at them.

use std::{fmt, sync::Arc, time::Duration};

use rollcall_domain::{Timestamp, names};
use rollcall_store::{
    SystemConn,
    jobs::{self as store, JobRuns, Requested},
};
use tokio::time::Instant;
use uuid::Uuid;

pub use rollcall_store::jobs::{JobRun, RunState};

use crate::{Answer, App, Changed, Error, MutationContext, Result};

/// How often a waiting call looks whether its run has ended.
const LOOK: Duration = Duration::from_millis(100);

/// What is to know of a job without running it.
#[derive(Clone, Debug)]
pub struct JobInfo {
    /// Its name, as in `jobs/{job}`.
    pub name: &'static str,
    /// What it does.
    pub description: &'static str,
    /// When it runs by itself; `None` for only when asked.
    pub schedule: Option<JobSchedule>,
}

/// When a job runs by itself.
#[derive(Clone)]
pub struct JobSchedule {
    /// A cron expression of five fields.
    pub cron: &'static str,
    /// Whose clocks it means.
    pub time_zone: &'static str,
    /// The next time after one.
    pub next: Arc<dyn Fn(Timestamp) -> Option<Timestamp> + Send + Sync>,
}

impl fmt::Debug for JobSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.cron, self.time_zone)
    }
}

/// A job, and how it is doing.
#[derive(Clone, Debug)]
pub struct JobView {
    /// What it is.
    pub info: JobInfo,
    /// When it runs next; `None` without a schedule.
    pub next_run: Option<Timestamp>,
    /// Its current and its last run.
    pub runs: JobRuns,
}

impl App {
    /// Looks how jobs are doing, in their order.
    ///
    /// # Errors
    /// A database that fails.
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

    /// Asks for a run. Where it is only to be checked there is none.
    ///
    /// # Errors
    /// `JOB_ALREADY_RUNNING` while another run of the job waits or is under way.
    pub async fn run_job(
        &self,
        context: &MutationContext<'_, Option<JobRun>>,
        job: &str,
    ) -> Result<Answer<Option<JobRun>>> {
        self.once_system(context, "run_job", async |conn: &mut SystemConn| {
            let requested = if context.caller.validate_only {
                store::find_open_run(conn, job).await?.map(Requested::AlreadyOpen)
            } else {
                Some(store::request_run_in(conn, job).await?)
            };
            match requested {
                None => Ok(above(None)),
                Some(Requested::Started(run)) => Ok(above(Some(run))),
                Some(Requested::AlreadyOpen(run)) => Err(Error::JobAlreadyRunning(names::job_run(job, run.id))),
            }
        })
        .await
    }

    /// Waits for the end of a run, at most `wait`; answers the run as it is then.
    ///
    /// # Errors
    /// An unknown run, or one of another job.
    pub async fn wait_for_job_run(&self, job: &str, run: Uuid, wait: Duration) -> Result<JobRun> {
        let until = Instant::now() + wait;
        loop {
            let found = self.get_job_run(job, run).await?;
            if !found.state.is_open() || Instant::now() >= until {
                return Ok(found);
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Asks a run to stop, and answers it as it is then: one that nobody works on is cancelled at once, the process that
    /// works on another one ends it, and one that has ended stays as it is.
    ///
    /// # Errors
    /// An unknown run, or one of another job.
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
                store::cancel_run(conn, job, run).await?
            };
            Ok(above(found.ok_or_else(|| Error::JobRunNotFound(names::job_run(job, run)))?))
        })
        .await
    }

    /// Reads one run.
    ///
    /// # Errors
    /// An unknown run, or one of another job.
    pub async fn get_job_run(&self, job: &str, run: Uuid) -> Result<JobRun> {
        let found = store::find_run(&self.db, run).await?.filter(|found| found.job == job);
        found.ok_or_else(|| Error::JobRunNotFound(names::job_run(job, run)))
    }

    /// Reads up to `limit` runs of a job, or of all, newest first, after the one with this time
    /// and id.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn list_job_runs(
        &self,
        job: Option<&str>,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<JobRun>> {
        Ok(store::list_runs(&self.db, job, after, limit).await?)
    }

    /// The key that all replicas sign page tokens with.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn page_token_key(&self) -> Result<Vec<u8>> {
        Ok(rollcall_store::installation::get_page_token_key(&self.db).await?)
    }
}

/// What is changed above all organizations is of no revision, and happens to no member.
fn above<T>(value: T) -> Changed<T> {
    Changed { value, preview: None, revision: 0, warnings: Vec::new() }
}
