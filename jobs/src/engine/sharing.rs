//! Sharing a run: a worker of this engine helps with a run that another engine has claimed (ADR 13). The worker has no
//! lease, and writes only effects, under the fence of the claim. After the run has ended or was taken over, these
//! effects are refused.

use std::sync::{Arc, Mutex, PoisonError};

use rollcall_app::App;
use rollcall_store::{
    Fence,
    jobs::{self, ClaimedRun},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{EngineOptions, JobContext, JobFn, JobResult, run_attempt::AbortOnDrop};

/// A worker that shares a run of another engine.
pub(super) struct SharedRunWorker {
    pub(super) app: App,
    pub(super) share: JobFn,
    pub(super) claimed: ClaimedRun,
    pub(super) options: EngineOptions,
    /// Asks the job to finish its chunk.
    pub(super) cancel: CancellationToken,
    /// Aborts the job.
    pub(super) abort: CancellationToken,
}

impl SharedRunWorker {
    /// Works until no work is left, or the claim ends.
    pub(super) async fn run(self) {
        let run = &self.claimed.run;
        let span = tracing::info_span!("shared_job_run", otel.name = run.job, job = run.job, run = %run.id);
        async {
            match self.work().await {
                Some(Ok(_)) => tracing::debug!("the worker has ended"),
                Some(Err(error)) => {
                    tracing::warn!(error = error.message, causes = error.causes(), "the worker has failed");
                }
                None => tracing::warn!("the worker was aborted"),
            }
        }
        .instrument(span)
        .await;
    }

    async fn work(&self) -> Option<JobResult> {
        let cancel = self.cancel.child_token();
        let context = JobContext {
            app: self.app.clone(),
            fence: self.claimed.fence,
            run: self.claimed.run.clone(),
            cancel: cancel.clone(),
        };
        let share = self.share.clone();
        let mut task = tokio::spawn(async move { share(context).await }.in_current_span());
        let _guard = AbortOnDrop(task.abort_handle());
        tokio::select! {
            biased;
            ended = &mut task => return ended.ok(),
            () = self.abort.cancelled() => return None,
            () = self.until_inactive() => cancel.cancel(),
        }
        tokio::select! {
            ended = timeout(self.options.lease, &mut task) => ended.ok()?.ok(),
            () = self.abort.cancelled() => None,
        }
    }

    /// Waits until the run has ended or was asked to stop, or its lease has expired. The process that takes the run
    /// over waits for all effects in progress.
    async fn until_inactive(&self) {
        loop {
            sleep(self.options.heartbeat).await;
            let active = jobs::is_shared_run_active(self.app.db(), self.claimed.fence);
            match timeout(self.options.lease / 3, active).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the state of the shared run cannot be read; it is read again")
                }
                Err(_) => tracing::warn!("the state of the shared run cannot be read in time; it is read again"),
            }
        }
    }
}

/// The claims that this engine works under, its own and shared ones, so that it works under each claim only once.
#[derive(Clone, Default)]
pub(super) struct ActiveClaims(Arc<Mutex<Vec<Fence>>>);

impl ActiveClaims {
    /// Adds a claim until the guard is dropped. Returns `None` if the claim is there already.
    pub(super) fn add(&self, fence: Fence) -> Option<ActiveClaimGuard> {
        let mut fences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fences.contains(&fence) {
            return None;
        }
        fences.push(fence);
        Some(ActiveClaimGuard(self.clone(), fence))
    }
}

/// Removes a claim from [`ActiveClaims`] when it is dropped.
pub(super) struct ActiveClaimGuard(ActiveClaims, Fence);

impl Drop for ActiveClaimGuard {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|fence| *fence != self.1);
    }
}
