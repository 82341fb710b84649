//! Asking for runs of jobs, and looking at them.

use std::time::Duration;

use rollcall_domain::Timestamp;
use rollcall_store::jobs::{self as store, Requested};
use tokio::time::Instant;
use uuid::Uuid;

pub use rollcall_store::jobs::{JobRun, RunState};

use crate::{App, Error, Result};

/// How often a waiting call looks whether its run has ended.
const LOOK: Duration = Duration::from_millis(100);

impl App {
    /// Asks for a run and waits for its end, at most `wait`; answers the run as it is then.
    ///
    /// # Errors
    /// `JOB_ALREADY_RUNNING` while another run of the job waits or is under way.
    pub async fn run_job(&self, job: &str, wait: Duration) -> Result<JobRun> {
        let until = Instant::now() + wait;
        let mut run = match store::request_run(&self.db, job).await? {
            Requested::Started(run) => run,
            Requested::AlreadyOpen(run) => return Err(Error::JobAlreadyRunning(format!("jobs/{job}/runs/{}", run.id))),
        };
        while run.state.is_open() && Instant::now() < until {
            tokio::time::sleep(LOOK).await;
            run = self.get_job_run(job, run.id).await?;
        }
        Ok(run)
    }

    /// Reads one run.
    ///
    /// # Errors
    /// An unknown run, or one of another job.
    pub async fn get_job_run(&self, job: &str, run: Uuid) -> Result<JobRun> {
        let found = store::find_run(&self.db, run).await?.filter(|found| found.job == job);
        found.ok_or_else(|| Error::JobRunNotFound(format!("jobs/{job}/runs/{run}")))
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
