//! Running a job once in this process, without an engine: for a command, or for an external scheduler that calls the
//! command.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use rollcall_app::App;
use rollcall_store::jobs::{self, ClaimedRun, JobRun, RequestedRun};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EngineError, EngineOptions, JobSpec, claim_context::ClaimContext, run_attempt::RunAttempt};

/// How often the run is read.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Requests a run of a job and works on it until it ends, under the same claim as an engine. If a dead process has left
/// a run behind, that run is continued instead.
///
/// After `stop` is ready the job finishes its chunk, and the open run is returned. `progress` is called after each
/// change of the run.
///
/// # Errors
/// [`EngineError::AlreadyOpen`] while another process works on a run of the job, or [`EngineError::Store`].
pub async fn run_in_process(
    app: &App,
    spec: JobSpec,
    options: EngineOptions,
    stop: impl Future<Output = ()>,
    progress: impl FnMut(&JobRun),
) -> Result<JobRun, EngineError> {
    let cancel = CancellationToken::new();
    let mut run = ProcessRun { app, spec: Arc::new(spec), options, cancel: cancel.clone(), progress, last_shown: None };
    let stopping = async {
        stop.await;
        cancel.cancel();
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        run = run.run() => run,
        never = stopping => match never {},
    }
}

/// A run that this process requested.
struct ProcessRun<'a, P> {
    app: &'a App,
    spec: Arc<JobSpec>,
    options: EngineOptions,
    cancel: CancellationToken,
    progress: P,
    last_shown: Option<JobRun>,
}

impl<P: FnMut(&JobRun)> ProcessRun<'_, P> {
    async fn run(&mut self) -> Result<JobRun, EngineError> {
        let (id, mut claimed) = self.request().await?;
        loop {
            // An engine may have claimed the run, or an older run of the job may come first.
            if claimed.is_none() {
                claimed = self.claim().await?;
            }
            if let Some(claimed) = claimed.take() {
                self.attempt(claimed).await;
            }
            let run = self.show(id).await?;
            if !run.state.is_open() || self.cancel.is_cancelled() {
                return Ok(run);
            }
            sleep(POLL_INTERVAL).await;
        }
    }

    /// Returns the run to work on, and its claim if it was claimed already.
    async fn request(&self) -> Result<(Uuid, Option<ClaimedRun>), EngineError> {
        loop {
            let open = match jobs::request_run(self.app.db(), self.spec.name).await? {
                RequestedRun::Created(run) => return Ok((run.id, None)),
                RequestedRun::AlreadyOpen(open) => open,
            };
            if let Some(claimed) = self.claim().await? {
                return Ok((claimed.run.id, Some(claimed)));
            }
            // The open run may have ended in the meantime. A dead run that was asked to stop ends when it is claimed.
            if get_run(self.app, open.id).await?.state.is_open() {
                return Err(EngineError::AlreadyOpen(Box::new(open)));
            }
        }
    }

    async fn claim(&self) -> Result<Option<ClaimedRun>, EngineError> {
        Ok(jobs::claim_run(self.app.db(), self.spec.name, self.options.lease).await?)
    }

    async fn attempt(&mut self, claimed: ClaimedRun) {
        let id = claimed.run.id;
        let (cancel, abort) = (self.cancel.child_token(), CancellationToken::new());
        let claim = ClaimContext { app: self.app.clone(), claimed, options: self.options, cancel, abort };
        let attempt = RunAttempt { spec: self.spec.clone(), claim };
        let showing = async {
            loop {
                sleep(POLL_INTERVAL).await;
                // Progress is only shown. The attempt reports its own failures.
                let _ = self.show(id).await;
            }
        };
        tokio::select! {
            () = attempt.run() => {}
            () = showing => {}
        }
    }

    /// Reads the run, and calls `progress` if it has changed.
    async fn show(&mut self, id: Uuid) -> Result<JobRun, EngineError> {
        let run = get_run(self.app, id).await?;
        if self.last_shown.as_ref() != Some(&run) {
            (self.progress)(&run);
            self.last_shown = Some(run.clone());
        }
        Ok(run)
    }
}

async fn get_run(app: &App, id: Uuid) -> Result<JobRun, EngineError> {
    let run = jobs::find_run(app.db(), id).await?;
    Ok(run.ok_or_else(|| rollcall_store::Error::Internal("an open run was deleted".into()))?)
}
