//! `job run`: asks a running server for a run of a job, or does it here, and tells what came of it.

mod ask;
mod ended;

use std::time::Duration;

use rollcall_app::{App, reports::ReportStore};
use rollcall_proto::v1;
use tokio::time::{sleep, timeout};

pub(crate) use ask::finish_in_turn;
pub(crate) use ended::Ended;

use crate::{
    commands::JobRunArguments,
    config::Config,
    database::Database,
    error::{Error, Result},
    progress::RunProgress,
    remote::Remote,
    shutdown::Shutdown,
};

/// `rollcall job run`.
///
/// # Errors
/// When the run cannot be asked for, does not end in time, or does not succeed.
pub(crate) async fn run(config: &Config, arguments: &JobRunArguments, shutdown: &Shutdown) -> Result {
    let job = arguments.name.strip_prefix("jobs/").unwrap_or(&arguments.name);
    let mut shown = RunProgress::default();
    let ended = match &arguments.target {
        Some(target) => {
            let progress =
                |run: &v1::JobRun| shown.show(|name| run.outcome.get(name).copied().unwrap_or_default().into());
            let asked = async { ask::finish(&Remote::connect(target).await?, job, arguments.wait, progress).await };
            let interrupted = || Err(Error::failed("no longer waiting; the run, if it has begun, goes on"));
            shutdown.interrupts(asked).await.unwrap_or_else(interrupted)
        }
        None => run_here(config, job, arguments.wait, shutdown, &mut shown).await,
    };
    shown.end();
    let ended = ended?;
    ended.show();
    ended.verdict()
}

async fn run_here(
    config: &Config,
    job: &str,
    wait: Duration,
    shutdown: &Shutdown,
    shown: &mut RunProgress,
) -> Result<Ended> {
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return Err(Error::failed("stopped before the run began")) };
    let ended = run_on(&database, config, job, wait, shutdown, shown).await;
    let closed = database.close().await;
    closed.and(ended)
}

/// Runs the job in this process. When the time is over or the process is to end, the job finishes its chunk, and the run
/// is left to whoever runs the job next.
async fn run_on(
    database: &Database,
    config: &Config,
    job: &str,
    wait: Duration,
    shutdown: &Shutdown,
    shown: &mut RunProgress,
) -> Result<Ended> {
    let reports = ReportStore::open(config.reports_url()?.as_str())
        .map_err(Error::doing("cannot use --reports-url (ROLLCALL_REPORTS_URL)"))?;
    let app = App::new(database.db.clone(), reports).with_options(config.app_options());
    let progress = |run: &rollcall_app::jobs::JobRun| {
        tracing::info!(run = %run.id, state = run.state.as_str(), outcome = ?run.outcome, "job");
        shown.show(|name| run.outcome.get(name).copied().unwrap_or_default());
    };
    let run = rollcall_jobs::run_in_process(&app, job, over(wait, shutdown), progress);
    tokio::select! {
        run = run => Ok(run.map_err(Error::doing(format!("cannot run the job {job}")))?.into()),
        () = async { over(wait, shutdown).await; sleep(config.shutdown_timeout).await } => {
            Err(Error::failed(format!("the job {job} did not stop in time; its run is free in half a minute")))
        }
    }
}

/// Ends when the time is over or the process is asked to end.
async fn over(wait: Duration, shutdown: &Shutdown) {
    // Both are reasons to stop.
    let _ = timeout(wait, shutdown.requested()).await;
}
