//! One attempt at a claimed run: it runs the job in a task of its own, renews the lease, and records the end of the
//! attempt. Every wait has a time limit.

use std::{any::Any, sync::Arc, time::Duration};

use rollcall_store::{
    Error,
    jobs::{self, RunCounts, RunState},
};
use tokio::{
    task::JoinError,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{EngineOptions, JobCompletion, JobError, JobResult, JobSpec, claim_context::ClaimContext};

/// How long a job that was aborted may take to end.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long recording the end of an attempt may take, and how often it is tried.
const RECORD_TIMEOUT: Duration = Duration::from_secs(10);
const RECORD_TRIES: u32 = 3;

/// The attempt at a run that this process has claimed.
pub(super) struct RunAttempt {
    pub(super) spec: Arc<JobSpec>,
    pub(super) claim: ClaimContext,
}

/// How an attempt ended.
enum AttemptEnd {
    Done {
        outcome: RunCounts,
        report: Option<String>,
    },
    Stopped,
    Failed(JobError),
    /// The lease was lost. Another process may have claimed the run, so this one records nothing.
    LeaseLost,
}

impl RunAttempt {
    /// Runs the attempt, and records its end.
    pub(super) async fn run(self) {
        let run = &self.claim.claimed.run;
        let span = tracing::info_span!(
            "job_run",
            otel.name = self.spec.name,
            job = self.spec.name,
            run = %run.id,
            scheduled_for = %run.scheduled_for,
            attempt = run.attempt,
        );
        async {
            let end = self.work().await;
            self.record(&end).await;
        }
        .instrument(span)
        .await;
    }

    async fn work(&self) -> AttemptEnd {
        let (mut task, cancel) = self.claim.start(&self.spec.run);
        let end = tokio::select! {
            biased;
            ended = &mut task => return end_of(ended),
            () = self.claim.abort.cancelled() => AttemptEnd::Stopped,
            () = self.keep_lease(&cancel) => AttemptEnd::LeaseLost,
            () = sleep(self.spec.timeout) => AttemptEnd::Failed(self.timed_out()),
        };
        cancel.cancel();
        task.abort();
        if timeout(ABORT_TIMEOUT, task).await.is_err() {
            tracing::error!("the job does not end after its attempt; its effects are refused from now on");
        }
        end
    }

    fn timed_out(&self) -> JobError {
        JobError::retryable(format!("the job took longer than {:?}", self.spec.timeout))
    }

    /// Renews the lease until it is lost: another process has claimed the run, or may have claimed it because the lease
    /// was not renewed in time. Cancels the job when the run was asked to stop.
    async fn keep_lease(&self, cancel: &CancellationToken) {
        let EngineOptions { lease, heartbeat, .. } = self.claim.options;
        let mut renewed = Instant::now();
        loop {
            sleep(heartbeat).await;
            let began = Instant::now();
            let extend = jobs::extend_lease(self.claim.app.db(), self.claim.claimed.fence, lease);
            match timeout(lease / 3, extend).await {
                Ok(Ok(cancel_requested)) => {
                    renewed = began;
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

    /// Records the end of the attempt. If that fails, the lease expires and another process takes the run over.
    async fn record(&self, end: &AttemptEnd) {
        for _ in 0..RECORD_TRIES {
            match timeout(RECORD_TIMEOUT, self.try_record(end)).await {
                Ok(Ok(state)) => return self.log(end, state),
                Ok(Err(Error::FenceLost)) => return self.log(&AttemptEnd::LeaseLost, None),
                Ok(Err(error)) => tracing::warn!(%error, "the end of the attempt was not recorded"),
                Err(_) => tracing::warn!("the end of the attempt was not recorded in time"),
            }
            sleep(Duration::from_secs(1)).await;
        }
        tracing::error!(
            "the end of the attempt was not recorded; another process takes the run over when its lease expires"
        );
    }

    /// Records the end of the attempt, and returns the run's new state; `None` after a lost lease.
    async fn try_record(&self, end: &AttemptEnd) -> rollcall_store::Result<Option<RunState>> {
        let (db, fence) = (self.claim.app.db(), self.claim.claimed.fence);
        let state = match end {
            AttemptEnd::Done { outcome, report } => {
                jobs::finish_run(db, fence, outcome, report.as_deref()).await?;
                RunState::Succeeded
            }
            AttemptEnd::Stopped => jobs::release_run(db, fence).await?,
            AttemptEnd::Failed(error) if self.may_retry(error) => {
                let backoff = self.claim.options.backoff_after(self.claim.claimed.run.attempt, self.spec.max_backoff);
                jobs::retry_run(db, fence, &error.message, backoff).await?
            }
            AttemptEnd::Failed(error) => {
                jobs::fail_run(db, fence, &error.message, &error.outcome).await?;
                RunState::Failed
            }
            AttemptEnd::LeaseLost => return Ok(None),
        };
        Ok(Some(state))
    }

    fn may_retry(&self, error: &JobError) -> bool {
        error.retry && self.claim.claimed.run.attempt.unsigned_abs() < self.spec.attempts
    }

    fn log(&self, end: &AttemptEnd, state: Option<RunState>) {
        let state = state.map(RunState::as_str);
        match end {
            AttemptEnd::Done { outcome, report } => {
                tracing::info!(state, ?outcome, report, "the run has succeeded");
            }
            AttemptEnd::Stopped => tracing::info!(state, "the run was stopped"),
            AttemptEnd::Failed(error) => {
                let (failure, causes) = (&error.message, error.causes());
                tracing::error!(state, failure, causes, "the attempt has failed");
            }
            AttemptEnd::LeaseLost => tracing::warn!("the run has lost its lease"),
        }
    }
}

fn end_of(ended: Result<JobResult, JoinError>) -> AttemptEnd {
    match ended {
        Ok(Ok(JobCompletion::Done { outcome, report })) => AttemptEnd::Done { outcome, report },
        Ok(Ok(JobCompletion::Stopped)) => AttemptEnd::Stopped,
        Ok(Err(error)) => AttemptEnd::Failed(error),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => AttemptEnd::Failed(JobError::retryable(panic_text(panic.as_ref()))),
            // Nothing has aborted the task, so the runtime shuts down.
            Err(_) => AttemptEnd::Stopped,
        },
    }
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("the job panicked: {}", text.unwrap_or("no text"))
}
