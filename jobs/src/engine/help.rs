//! Sharing the work of a run that another engine has claimed. Whoever helps has no lease and writes nothing of the run
//! down but its effects, under the fence of that claim: once the run ends or is taken over those are refused.

use std::sync::{Arc, Mutex, PoisonError};

use rollcall_app::App;
use rollcall_store::{
    Fence,
    jobs::{self, ClaimedRun},
};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{EngineOptions, JobContext, JobFn, JobResult, attempt::AbortOnDrop};

pub(super) struct Help {
    pub(super) app: App,
    pub(super) help: JobFn,
    pub(super) claimed: ClaimedRun,
    pub(super) options: EngineOptions,
    /// Asks the job to finish its chunk.
    pub(super) cancel: CancellationToken,
    /// Ends the job where it is.
    pub(super) kill: CancellationToken,
}

impl Help {
    pub(super) async fn run(self) {
        let run = &self.claimed.run;
        let span = tracing::info_span!("job_help", otel.name = run.job, job = run.job, run = %run.id);
        async {
            match self.work().await {
                Some(Ok(_)) => tracing::debug!("no longer helping"),
                Some(Err(error)) => tracing::warn!(error = error.message, causes = error.causes(), "helping failed"),
                None => tracing::warn!("helping was ended"),
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
            position: self.claimed.position.clone(),
            cancel: cancel.clone(),
        };
        let help = self.help.clone();
        let mut task = tokio::spawn(async move { help(context).await }.in_current_span());
        let _guard = AbortOnDrop(task.abort_handle());
        tokio::select! {
            biased;
            ended = &mut task => return ended.ok(),
            () = self.kill.cancelled() => return None,
            () = self.while_alive() => cancel.cancel(),
        }
        tokio::select! {
            ended = timeout(self.options.lease, &mut task) => ended.ok()?.ok(),
            () = self.kill.cancelled() => None,
        }
    }

    /// Until the run has ended or is to stop, or its process is found dead: whoever takes it over waits for all effects.
    async fn while_alive(&self) {
        loop {
            sleep(self.options.heartbeat).await;
            match timeout(self.options.lease / 3, jobs::may_help(self.app.db(), self.claimed.fence)).await {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return,
                Ok(Err(error)) => tracing::warn!(%error, "cannot see whether the run goes on"),
                Err(_) => tracing::warn!("cannot see in time whether the run goes on"),
            }
        }
    }
}

/// The claims that this engine works under, so that it helps with none of them twice.
#[derive(Clone, Default)]
pub(super) struct AtWork(Arc<Mutex<Vec<Fence>>>);

impl AtWork {
    /// Notes that this engine works under a claim until the guard is dropped; none if it does already.
    pub(super) fn begin(&self, fence: Fence) -> Option<AtWorkGuard> {
        let mut fences = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if fences.contains(&fence) {
            return None;
        }
        fences.push(fence);
        Some(AtWorkGuard(self.clone(), fence))
    }
}

pub(super) struct AtWorkGuard(AtWork, Fence);

impl Drop for AtWorkGuard {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|fence| *fence != self.1);
    }
}
