//! Runs jobs: at their times, when asked, once, whatever happens to the process. Knows no job.
//!
//! A ticker only says that it is time; the database says what the time is, which runs there are
//! and who works on which (architecture.md 5). So any number of engines may run on one database,
//! and what an engine remembers does not matter to any other.

mod attempt;
mod error;
mod help;
mod options;
mod requested;
mod schedule;
mod spec;
mod tick;

use std::{pin::pin, sync::Arc, time::Duration};

use rollcall_app::App;
use tokio::{
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_cron_scheduler::{Job, JobScheduler};

pub use error::EngineError;
pub use options::EngineOptions;
pub use requested::run_requested;
pub use schedule::Schedule;
pub use spec::{CatchUp, Ended, JobContext, JobError, JobFn, JobResult, JobSpec, job_fn};
use tick::Shared;

/// How long a tick may take: a database that hangs must not hang the engine.
const TICK: Duration = Duration::from_secs(15);
/// The ticker follows the host's clock, which may be set back; then this goes on.
const WITHOUT_TICKER: Duration = Duration::from_secs(5);
/// How long attempts that are told to end at once may take.
const AT_ONCE: Duration = Duration::from_secs(10);

/// A running engine. Dropping it ends its attempts where they are; [`Engine::stop`] is kinder.
pub struct Engine {
    shared: Arc<Shared>,
    ticking: Option<JoinHandle<()>>,
}

impl Engine {
    /// Makes the jobs known and begins to run them.
    ///
    /// # Errors
    /// A schedule that cannot be read, or a database that fails.
    pub async fn start(app: App, specs: Vec<JobSpec>, options: EngineOptions) -> Result<Self, EngineError> {
        let shared = Arc::new(Shared::new(app, specs, options).await?);
        let ticker = start_ticker(&shared).await.map_err(EngineError::Ticker)?;
        let ticking = tokio::spawn(tick_until_stopped(shared.clone(), ticker));
        Ok(Self { shared, ticking: Some(ticking) })
    }

    /// Looks for work at once instead of within a second.
    pub fn nudge(&self) {
        self.shared.wake.notify_one();
    }

    /// The same as [`Engine::nudge`], to be kept by others.
    pub fn nudger(&self) -> impl Fn() + Clone + Send + Sync + 'static {
        let wake = self.shared.wake.clone();
        move || wake.notify_one()
    }

    /// Claims nothing more, lets each attempt finish its chunk and give its lease back, and after
    /// `deadline` ends those that have not.
    pub async fn stop(mut self, deadline: Duration) {
        self.shared.stop.cancel();
        let (shared, ticking) = (self.shared.clone(), self.ticking.take());
        let mut drained = pin!(async move {
            if let Some(ticking) = ticking {
                let _ = ticking.await;
            }
            let mut attempts = shared.take_attempts();
            while attempts.join_next().await.is_some() {}
        });
        if timeout(deadline, drained.as_mut()).await.is_err() {
            tracing::warn!("jobs did not stop in time and are ended");
            self.shared.kill.cancel();
            if timeout(AT_ONCE, drained).await.is_err() {
                tracing::error!("jobs were not ended; their leases will run out");
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shared.stop.cancel();
        self.shared.kill.cancel();
    }
}

async fn start_ticker(shared: &Shared) -> Result<JobScheduler, tokio_cron_scheduler::JobSchedulerError> {
    let ticker = JobScheduler::new().await?;
    let wake = shared.wake.clone();
    // A tick that comes while the last one is at work makes one more, however many come.
    let tick = Job::new("* * * * * *", move |_, _| wake.notify_one())?;
    ticker.add(tick).await?;
    ticker.start().await?;
    Ok(ticker)
}

async fn tick_until_stopped(shared: Arc<Shared>, mut ticker: JobScheduler) {
    loop {
        tokio::select! {
            biased;
            () = shared.stop.cancelled() => break,
            () = shared.wake.notified() => {}
            () = sleep(WITHOUT_TICKER) => {}
        }
        match timeout(TICK, shared.tick()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "looking for work failed"),
            Err(_) => tracing::warn!("looking for work took too long"),
        }
    }
    if let Err(error) = ticker.shutdown().await {
        tracing::debug!(%error, "the ticker did not stop");
    }
}
