//! Sharing a run: a worker of this engine helps with a run that another engine has claimed (ADR 13). The worker has no
//! lease, and writes only effects, under the fence of the claim. After the run has ended or another process has claimed
//! it, these effects are refused.

use std::sync::{Arc, Mutex, PoisonError};

use rollcall_store::{Fence, jobs};
use tokio::time::{sleep, timeout};
use tracing::Instrument as _;

use super::{JobFn, JobResult, claim_context::ClaimContext};

/// A worker that shares a run of another engine.
pub(super) struct SharedRunWorker {
    pub(super) share: JobFn,
    pub(super) claim: ClaimContext,
}

impl SharedRunWorker {
    /// Works until no work is left, or the claim ends.
    pub(super) async fn run(self) {
        let run = &self.claim.claimed.run;
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
        let (mut task, cancel) = self.claim.start(&self.share);
        tokio::select! {
            biased;
            ended = &mut task => return ended.ok(),
            () = self.claim.abort.cancelled() => return None,
            () = self.until_inactive() => cancel.cancel(),
        }
        tokio::select! {
            ended = timeout(self.claim.options.lease, &mut task) => ended.ok()?.ok(),
            () = self.claim.abort.cancelled() => None,
        }
    }

    /// Waits until the run has ended or was asked to stop, or its lease has expired. The process that takes the run
    /// over waits for all effects in progress.
    async fn until_inactive(&self) {
        loop {
            sleep(self.claim.options.heartbeat).await;
            let active = jobs::is_shared_run_active(self.claim.app.db(), self.claim.claimed.fence);
            match timeout(self.claim.options.lease / 3, active).await {
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
    /// Adds a claim until the guard is dropped. Returns `None` if the claim was added already.
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
