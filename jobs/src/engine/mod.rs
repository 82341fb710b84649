//! The job engine: it runs jobs at the times of their schedules and on request. It knows no job.
//!
//! A ticker only wakes the engine. The database decides what time it is, which runs there are, and which process works
//! on which run. Therefore any number of engines can share a database, and no state in
//! memory matters to another engine. An engine without work sleeps until a run is due or requested.

mod claim_context;
mod clock_watch;
mod error;
mod listening;
mod options;
mod run_attempt;
mod run_in_process;
mod schedule;
mod sharing;
mod spec;
mod tick;

use std::{pin::pin, sync::Arc, time::Duration};

use rollcall_app::App;
use tokio::{
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep_until, timeout},
};
use tokio_cron_scheduler::{Job, JobScheduler};

pub use error::EngineError;
use listening::listen_until_stopped;
pub use options::EngineOptions;
pub use run_in_process::run_in_process;
pub use schedule::{Schedule, TimeZone, Timetable, parse_cron};
pub use spec::{
    DEFAULT_MAX_BACKOFF, JobCompletion, JobContext, JobError, JobFn, JobResult, JobSpec, job_fn, to_run_counts,
};
use tick::EngineState;

/// How long a tick may take. A database that hangs must not hang the engine.
const TICK_TIMEOUT: Duration = Duration::from_secs(15);
/// How long the engine waits for the ticker before it ticks by itself: the ticker follows the host's clock, which may
/// be set back.
const TICK_WITHOUT_TICKER: Duration = Duration::from_secs(5);
/// How long attempts that were aborted may take to end.
const ABORT_TIMEOUT: Duration = Duration::from_secs(10);

/// A running engine. Dropping it aborts its attempts; [`Engine::stop`] lets them finish their chunks.
pub struct Engine {
    state: Arc<EngineState>,
    ticking: Option<JoinHandle<()>>,
}

impl Engine {
    /// Registers the jobs and begins to run them.
    ///
    /// # Errors
    /// [`EngineError::Schedule`] for a schedule that cannot be read, [`EngineError::Ticker`], or
    /// [`EngineError::Store`].
    pub async fn start(app: App, specs: Vec<JobSpec>, options: EngineOptions) -> Result<Self, EngineError> {
        let state = Arc::new(EngineState::new(app, specs, options).await?);
        let ticks = Arc::new(Notify::new());
        let ticker = start_ticker(ticks.clone()).await.map_err(EngineError::Ticker)?;
        tokio::spawn(listen_until_stopped(state.clone()));
        let ticking = tokio::spawn(tick_until_stopped(state.clone(), ticker, ticks));
        Ok(Self { state, ticking: Some(ticking) })
    }

    /// Stops the engine: it claims no further run, lets each attempt finish its chunk and give its lease back, and
    /// aborts the attempts that take longer than `deadline`.
    pub async fn stop(mut self, deadline: Duration) {
        self.state.stop.cancel();
        let (state, ticking) = (self.state.clone(), self.ticking.take());
        let mut drained = pin!(async move {
            if let Some(ticking) = ticking {
                let _ = ticking.await;
            }
            let mut tasks = state.take_tasks();
            while tasks.join_next().await.is_some() {}
        });
        if timeout(deadline, drained.as_mut()).await.is_err() {
            tracing::warn!("jobs did not stop in time and are aborted");
            self.state.abort.cancel();
            if timeout(ABORT_TIMEOUT, drained).await.is_err() {
                tracing::error!("jobs cannot be aborted; other processes take their runs over when the leases expire");
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.state.stop.cancel();
        self.state.abort.cancel();
    }
}

async fn start_ticker(ticks: Arc<Notify>) -> Result<JobScheduler, tokio_cron_scheduler::JobSchedulerError> {
    let ticker = JobScheduler::new().await?;
    let tick = Job::new("* * * * * *", move |_, _| ticks.notify_one())?;
    ticker.add(tick).await?;
    ticker.start().await?;
    Ok(ticker)
}

async fn tick_until_stopped(state: Arc<EngineState>, mut ticker: JobScheduler, ticks: Arc<Notify>) {
    let mut pause = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            () = state.stop.cancelled() => break,
            // Wake-ups during a tick cause one more tick, however many they are.
            () = state.wake.notified() => {}
            () = first_tick_after(&ticks, pause) => {}
        }
        pause = match timeout(TICK_TIMEOUT, state.tick()).await {
            Ok(Ok(pause)) => pause,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the job engine cannot read its runs; it tries again");
                Duration::ZERO
            }
            Err(_) => {
                tracing::warn!("the job engine cannot read its runs in time; it tries again");
                Duration::ZERO
            }
        };
    }
    if let Err(error) = ticker.shutdown().await {
        tracing::debug!(%error, "the ticker did not stop");
    }
}

/// Waits for the first tick of the ticker after a pause.
async fn first_tick_after(ticks: &Notify, pause: Duration) {
    let due = Instant::now() + pause;
    let without_ticker = due + TICK_WITHOUT_TICKER;
    loop {
        tokio::select! {
            () = ticks.notified() => {}
            () = sleep_until(without_ticker) => return,
        }
        if Instant::now() >= due {
            return;
        }
    }
}
