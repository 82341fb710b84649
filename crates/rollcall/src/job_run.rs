//! `rollcall job run` without `--target`: runs the job in this process, on the database.

use std::time::Duration;

use rollcall_app::{App, jobs};
use rollcall_cli::{
    JobProgress,
    job::{outcome::print_result, run::JobRunArguments},
};
use rollcall_proto::v1;
use tokio::time::{sleep, timeout};

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result},
    shutdown::Shutdown,
};

/// Runs the job, and prints its progress and its result.
///
/// # Errors
/// The database cannot be opened, or the run does not end in time or does not succeed.
pub(crate) async fn run(config: &Config, arguments: &JobRunArguments, shutdown: &Shutdown) -> Result {
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return Err(Error::failed("stopped before the run began")) };
    let mut progress = JobProgress::default();
    let run = run_on(&database, config, arguments, shutdown, &mut progress).await;
    let closed = database.close().await;
    progress.end();
    closed?;
    print_result(&to_api_run(run?))
}

/// Runs the job. When the time of `--wait` is over or a signal arrives, the job finishes its chunk and the run stays
/// open: the next process that runs the job continues it.
async fn run_on(
    database: &Database,
    config: &Config,
    arguments: &JobRunArguments,
    shutdown: &Shutdown,
    progress: &mut JobProgress,
) -> Result<jobs::JobRun> {
    let app = App::new(database.db.clone(), config.open_reports()?).with_options(config.app_options());
    let show = |run: &jobs::JobRun| {
        tracing::info!(run = %run.id, state = run.state.as_str(), outcome = ?run.outcome, "job");
        progress.show(|name| run.outcome.get(name).copied().unwrap_or_default());
    };
    let (job, wait) = (arguments.job(), arguments.wait);
    let run = rollcall_jobs::run_in_process(&app, job, time_to_stop(wait, shutdown), show);
    tokio::select! {
        run = run => run.map_err(Error::doing(format!("cannot run the job {job}"))),
        () = async { time_to_stop(wait, shutdown).await; sleep(config.shutdown_timeout).await } => {
            Err(Error::failed(format!(
                "the job {job} did not stop in time; another process can continue its run in half a minute"
            )))
        }
    }
}

/// Ends when the time is over or a signal arrives.
async fn time_to_stop(wait: Duration, shutdown: &Shutdown) {
    // Both results mean that the job must stop.
    let _ = timeout(wait, shutdown.requested()).await;
}

/// Converts a run to the form in which the API returns it.
fn to_api_run(run: jobs::JobRun) -> v1::JobRun {
    let state = v1::JobRunState::from_str_name(&format!("JOB_RUN_STATE_{}", run.state.as_str())).unwrap_or_default();
    let count = |(name, count)| (name, i32::try_from(count).unwrap_or(i32::MAX));
    v1::JobRun {
        name: format!("jobs/{}/runs/{}", run.job, run.id),
        state: state.into(),
        outcome: run.outcome.into_iter().map(count).collect(),
        failure: run.failure.unwrap_or_default(),
        report: run.report.map(|report| format!("reports/{report}")).unwrap_or_default(),
        ..Default::default()
    }
}
