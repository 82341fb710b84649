//! One attempt of a claimed run: the job in a task of its own, the lease kept, and the end written
//! down. Every wait here has an end.

use std::{any::Any, sync::Arc, time::Duration};

use rollcall_app::App;
use rollcall_store::{
    Error,
    jobs::{self, ClaimedRun, Counts, RunState},
};
use tokio::{
    task::{AbortHandle, JoinError},
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{Ended, EngineOptions, JobContext, JobError, JobResult, JobSpec};

/// How long an attempt that was told to end at once may take to do so.
const AT_ONCE: Duration = Duration::from_secs(5);
/// How long writing the end down may take, and how often it is tried.
const RECORD: Duration = Duration::from_secs(10);
const RECORD_TRIES: u32 = 3;

pub(super) struct Attempt {
    pub(super) app: App,
    pub(super) spec: Arc<JobSpec>,
    pub(super) claimed: ClaimedRun,
    pub(super) options: EngineOptions,
    /// Asks the job to finish its chunk.
    pub(super) cancel: CancellationToken,
    /// Ends the job where it is.
    pub(super) kill: CancellationToken,
}

enum Verdict {
    Done {
        outcome: Counts,
        report: Option<String>,
    },
    Stopped,
    Failed(JobError),
    /// Somebody else has the run, or may have it: nothing is ours to say.
    Lost,
}

impl Attempt {
    pub(super) async fn run(self) {
        let run = &self.claimed.run;
        let span = tracing::info_span!(
            "job_run",
            otel.name = self.spec.name,
            job = self.spec.name,
            run = %run.id,
            scheduled_for = %run.scheduled_for,
            attempt = run.attempt,
        );
        async {
            let verdict = self.work().await;
            self.record(&verdict).await;
        }
        .instrument(span)
        .await;
    }

    async fn work(&self) -> Verdict {
        // The job has a token of its own: losing the lease ends this attempt only.
        let cancel = self.cancel.child_token();
        let context = JobContext {
            app: self.app.clone(),
            fence: self.claimed.fence,
            run: self.claimed.run.clone(),
            position: self.claimed.position.clone(),
            cancel: cancel.clone(),
        };
        let run = self.spec.run.clone();
        let mut task = tokio::spawn(async move { run(context).await }.in_current_span());
        let _guard = AbortOnDrop(task.abort_handle());
        let verdict = tokio::select! {
            biased;
            ended = &mut task => return verdict(ended),
            () = self.kill.cancelled() => Verdict::Stopped,
            () = self.keep_lease(&cancel) => Verdict::Lost,
            () = sleep(self.spec.timeout) => Verdict::Failed(self.timed_out()),
        };
        cancel.cancel();
        task.abort();
        if timeout(AT_ONCE, task).await.is_err() {
            tracing::error!("the job does not end; its effects are refused from now on");
        }
        verdict
    }

    fn timed_out(&self) -> JobError {
        JobError::retryable(format!("it took longer than {:?}", self.spec.timeout))
    }

    /// Renews the lease until it is lost: taken by somebody else, or so long not renewed that
    /// somebody may have taken it. Tells the job to stop once somebody has asked the run to.
    async fn keep_lease(&self, cancel: &CancellationToken) {
        let EngineOptions { lease, heartbeat, .. } = self.options;
        let mut renewed = Instant::now();
        loop {
            sleep(heartbeat).await;
            let asked = Instant::now();
            let extend = jobs::extend_lease(self.app.db(), self.claimed.fence, lease);
            match timeout(lease / 3, extend).await {
                Ok(Ok(cancel_requested)) => {
                    renewed = asked;
                    if cancel_requested {
                        cancel.cancel();
                    }
                }
                Ok(Err(Error::FenceLost)) => return,
                Ok(Err(error)) => tracing::warn!(%error, "the lease was not renewed"),
                Err(_) => tracing::warn!("the lease was not renewed in time"),
            }
            if renewed.elapsed() >= lease {
                return;
            }
        }
    }

    /// Writes the end down. When that cannot be done the lease runs out, and the run is taken over.
    async fn record(&self, verdict: &Verdict) {
        for _ in 0..RECORD_TRIES {
            match timeout(RECORD, self.try_record(verdict)).await {
                Ok(Ok(state)) => return self.log(verdict, state),
                Ok(Err(Error::FenceLost)) => return self.log(&Verdict::Lost, None),
                Ok(Err(error)) => tracing::warn!(%error, "the end of the run was not written down"),
                Err(_) => tracing::warn!("the end of the run was not written down in time"),
            }
            sleep(Duration::from_secs(1)).await;
        }
        tracing::error!("the end of the run was not written down; its lease will run out");
    }

    /// Answers how far the run is now, unless it is another's.
    async fn try_record(&self, verdict: &Verdict) -> rollcall_store::Result<Option<RunState>> {
        let (db, fence) = (self.app.db(), self.claimed.fence);
        let state = match verdict {
            Verdict::Done { outcome, report } => {
                jobs::finish_run(db, fence, outcome, report.as_deref()).await?;
                RunState::Succeeded
            }
            Verdict::Stopped => jobs::release_run(db, fence).await?,
            Verdict::Failed(error) if self.may_retry(error) => {
                let pause = self.options.pause_after(self.claimed.run.attempt);
                jobs::retry_run(db, fence, &error.message, pause).await?
            }
            Verdict::Failed(error) => {
                jobs::fail_run(db, fence, &error.message, &error.outcome).await?;
                RunState::Failed
            }
            Verdict::Lost => return Ok(None),
        };
        Ok(Some(state))
    }

    fn may_retry(&self, error: &JobError) -> bool {
        error.retry && self.claimed.run.attempt.unsigned_abs() < self.spec.attempts
    }

    fn log(&self, verdict: &Verdict, state: Option<RunState>) {
        let state = state.map(RunState::as_str);
        match verdict {
            Verdict::Done { outcome, report } => {
                tracing::info!(state, ?outcome, report, "the run has succeeded");
            }
            Verdict::Stopped => tracing::info!(state, "the run was stopped"),
            Verdict::Failed(error) => {
                let (failure, causes) = (&error.message, error.causes());
                tracing::error!(state, failure, causes, "the attempt has failed");
            }
            Verdict::Lost => tracing::warn!("the run has lost its lease"),
        }
    }
}

/// Ends the job when nobody waits for it any more.
pub(super) struct AbortOnDrop(pub(super) AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn verdict(ended: Result<JobResult, JoinError>) -> Verdict {
    match ended {
        Ok(Ok(Ended::Done { outcome, report })) => Verdict::Done { outcome, report },
        Ok(Ok(Ended::Stopped)) => Verdict::Stopped,
        Ok(Err(error)) => Verdict::Failed(error),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => Verdict::Failed(JobError::retryable(panic_text(panic.as_ref()))),
            // Only a runtime that shuts down ends a task that nobody has aborted.
            Err(_) => Verdict::Stopped,
        },
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("no text"))
}
