//! `rollcall job run`: asks a running server for a run of a job, and waits until it ends.

use std::time::{Duration, Instant};

use rollcall_proto::v1::{GetJobRunRequest, JobRun, JobRunState, RunJobRequest};
use tokio::time::sleep;
use tonic::Status;
use url::Url;

use super::outcome;
use crate::{
    connection::{ServerConnection, answer, call_failed, error_metadata},
    error::{Error, Result},
    progress::JobProgress,
    values,
};

/// How long the first call waits for the end of the run. Afterwards the run is polled.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// The arguments of `job run`.
#[derive(Debug, clap::Args)]
pub struct JobRunArguments {
    /// The job, such as settings-migration or mixed-settings-report
    #[arg(value_name = "NAME")]
    pub name: String,
    /// The running server that runs the job, such as http://localhost:50051 [default: run the job in this process, on
    /// the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
    /// How long to wait for the end of the run, such as 90s or 10m
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = values::duration)]
    pub wait: Duration,
}

impl JobRunArguments {
    /// Returns the id of the job, also if its name `jobs/{id}` was given.
    #[must_use]
    pub fn job(&self) -> &str {
        self.name.strip_prefix("jobs/").unwrap_or(&self.name)
    }
}

/// `rollcall job run` on a server.
///
/// # Errors
/// The server refuses the run, or the run does not end in time or does not succeed.
pub async fn run(server: &ServerConnection, arguments: &JobRunArguments) -> Result {
    let (job, wait) = (arguments.job(), arguments.wait);
    let deadline = Instant::now() + wait;
    let run = start_run(server, job, wait).await.map_err(|status| cannot_run(job)(*status))?;
    let mut progress = JobProgress::default();
    let show = |run: &JobRun| progress.show(|name| run.outcome.get(name).copied().unwrap_or_default().into());
    let run = wait_for_end(server, run, deadline, show).await;
    progress.end();
    outcome::print_result(&run?)
}

/// Runs a job and waits until the run ends. First waits for a run of the job that is already running.
///
/// # Errors
/// The server refuses the run, or a run does not end in time.
pub(crate) async fn run_job_after_current_run(server: &ServerConnection, job: &str, wait: Duration) -> Result<JobRun> {
    let deadline = Instant::now() + wait;
    loop {
        match start_run(server, job, wait).await {
            Ok(run) => return wait_for_end(server, run, deadline, |_| {}).await,
            Err(status) => match error_metadata(&status, "JOB_ALREADY_RUNNING", "run") {
                Some(current) => {
                    let current = get_run(server, &current).await?;
                    wait_for_end(server, current, deadline, |_| {}).await?;
                }
                None => return Err(cannot_run(job)(*status)),
            },
        }
    }
}

async fn start_run(server: &ServerConnection, job: &str, wait: Duration) -> std::result::Result<JobRun, Box<Status>> {
    let request = RunJobRequest {
        name: format!("jobs/{job}"),
        wait_timeout: prost_types::Duration::try_from(wait.min(FIRST_WAIT)).ok(),
        ..Default::default()
    };
    Ok(server.jobs().run_job(request).await?.into_inner().run.unwrap_or_default())
}

fn cannot_run(job: &str) -> impl FnOnce(Status) -> Error + use<> {
    call_failed(format!("cannot run the job {job}"))
}

/// Waits until a run ends, and calls `show` each time the run was read.
///
/// # Errors
/// A call fails, or the run does not end before `deadline`.
pub(crate) async fn wait_for_end(
    server: &ServerConnection,
    mut run: JobRun,
    deadline: Instant,
    mut show: impl FnMut(&JobRun),
) -> Result<JobRun> {
    show(&run);
    while matches!(run.state(), JobRunState::Pending | JobRunState::Running) {
        if Instant::now() >= deadline {
            let (name, state) = (&run.name, outcome::state_name(&run));
            return Err(Error::failed(format!(
                "{name} is still {state}; it continues on the server, see `rollcall job list`"
            )));
        }
        sleep(POLL_INTERVAL).await;
        run = get_run(server, &run.name).await?;
        show(&run);
    }
    Ok(run)
}

async fn get_run(server: &ServerConnection, name: &str) -> Result<JobRun> {
    let request = GetJobRunRequest { name: name.to_owned() };
    let found = answer(format!("cannot read the run {name}"), server.jobs().get_job_run(request).await)?;
    Ok(found.run.unwrap_or_default())
}
