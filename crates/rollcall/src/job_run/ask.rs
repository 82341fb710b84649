//! Asks a running server for a run, and waits for its end.

use std::time::{Duration, Instant};

use rollcall_proto::v1::{GetJobRunRequest, JobRun, JobRunState, RunJobRequest};
use tokio::time::sleep;
use tonic::Status;

use super::Ended;
use crate::{
    error::{Error, Result},
    remote::{self, Remote},
};

/// How long the first call waits; afterwards the run is asked for again and again.
const CALL_WAITS: Duration = Duration::from_secs(1);
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Asks for a run and waits for its end; `progress` sees it whenever it was looked at.
///
/// # Errors
/// When the server refuses, or the run has not ended in time.
pub(super) async fn finish(remote: &Remote, job: &str, wait: Duration, progress: impl FnMut(&JobRun)) -> Result<Ended> {
    let deadline = Instant::now() + wait;
    let run = ask(remote, job, wait).await.map_err(|status| cannot_run(job)(*status))?;
    wait_until_over(remote, run, deadline, progress).await
}

/// Like [`finish`], but after a run that is under way: one that an earlier process left behind, for example.
///
/// # Errors
/// When the server refuses, or a run has not ended in time.
pub(crate) async fn finish_in_turn(remote: &Remote, job: &str, wait: Duration) -> Result<Ended> {
    let deadline = Instant::now() + wait;
    loop {
        match ask(remote, job, wait).await {
            Ok(run) => return wait_until_over(remote, run, deadline, |_| {}).await,
            Err(status) => match remote::reason_with(&status, "run") {
                Some((reason, Some(other))) if reason == "JOB_ALREADY_RUNNING" => {
                    let other = get(remote, &other).await?;
                    wait_until_over(remote, other, deadline, |_| {}).await?;
                }
                _ => return Err(cannot_run(job)(*status)),
            },
        }
    }
}

async fn ask(remote: &Remote, job: &str, wait: Duration) -> std::result::Result<JobRun, Box<Status>> {
    let request = RunJobRequest {
        name: format!("jobs/{job}"),
        wait_timeout: prost_types::Duration::try_from(wait.min(CALL_WAITS)).ok(),
        ..Default::default()
    };
    let answer = remote.jobs().run_job(request).await?;
    Ok(answer.into_inner().run.unwrap_or_default())
}

fn cannot_run(job: &str) -> impl FnOnce(Status) -> Error + use<> {
    remote::refused(format!("cannot run the job {job}"))
}

async fn wait_until_over(
    remote: &Remote,
    mut run: JobRun,
    deadline: Instant,
    mut progress: impl FnMut(&JobRun),
) -> Result<Ended> {
    progress(&run);
    while matches!(run.state(), JobRunState::Pending | JobRunState::Running) {
        if Instant::now() >= deadline {
            let Ended { name, state, .. } = run.into();
            return Err(Error::failed(format!("{name} is still {state}; it goes on without us")));
        }
        sleep(ASK_EVERY).await;
        run = get(remote, &run.name).await?;
        progress(&run);
    }
    Ok(run.into())
}

async fn get(remote: &Remote, name: &str) -> Result<JobRun> {
    let request = GetJobRunRequest { name: name.to_owned() };
    let answered = remote.jobs().get_job_run(request).await;
    let answer = answered.map_err(remote::refused(format!("cannot see how {name} is doing")))?;
    Ok(answer.into_inner().run.unwrap_or_default())
}
