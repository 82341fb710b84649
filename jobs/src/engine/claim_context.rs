//! What an attempt at a run and a worker that shares a run have in common: a claim, and the task that works under it.

use rollcall_app::App;
use rollcall_store::jobs::ClaimedRun;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};
use tracing::Instrument as _;

use super::{EngineOptions, JobContext, JobFn, JobResult};

/// A claim that this process works under.
pub(super) struct ClaimContext {
    pub(super) app: App,
    pub(super) claimed: ClaimedRun,
    pub(super) options: EngineOptions,
    /// Asks the job to finish its chunk.
    pub(super) cancel: CancellationToken,
    /// Aborts the job.
    pub(super) abort: CancellationToken,
}

impl ClaimContext {
    /// Starts a function of the job in a task of its own. Returns the task, and the token that asks only this task to
    /// finish its chunk.
    pub(super) fn start(&self, function: &JobFn) -> (AbortOnDropHandle<JobResult>, CancellationToken) {
        let cancel = self.cancel.child_token();
        let context = JobContext {
            app: self.app.clone(),
            fence: self.claimed.fence,
            run: self.claimed.run.clone(),
            cancel: cancel.clone(),
            options: self.options,
        };
        let function = function.clone();
        let task = tokio::spawn(async move { function(context).await }.in_current_span());
        (AbortOnDropHandle::new(task), cancel)
    }
}
