//! Running a job once in this process, without an engine: for a command, or a cron job outside.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use rollcall_app::App;
use rollcall_store::jobs::{self, ClaimedRun, JobRun, Requested};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EngineError, EngineOptions, JobSpec, attempt::Attempt};

/// How often the run is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Asks for a run and works on it under the same claim as an engine would, until it ends. A run
/// that a dead process has left behind is taken over instead of making a new one.
///
/// Once `stop` is ready the job finishes its chunk and the run is answered as it is, open.
/// `progress` is called whenever the run has changed.
///
/// # Errors
/// An unknown job, a run of it that is under way elsewhere, or a database that fails.
pub async fn run_requested(
    app: &App,
    spec: JobSpec,
    options: EngineOptions,
    stop: impl Future<Output = ()>,
    progress: impl FnMut(&JobRun),
) -> Result<JobRun, EngineError> {
    let cancel = CancellationToken::new();
    let mut request = Request { app, spec: Arc::new(spec), options, cancel: cancel.clone(), progress, seen: None };
    let stopping = async {
        stop.await;
        cancel.cancel();
        std::future::pending::<Infallible>().await
    };
    tokio::select! {
        run = request.run() => run,
        never = stopping => match never {},
    }
}

struct Request<'a, P> {
    app: &'a App,
    spec: Arc<JobSpec>,
    options: EngineOptions,
    cancel: CancellationToken,
    progress: P,
    seen: Option<JobRun>,
}

impl<P: FnMut(&JobRun)> Request<'_, P> {
    async fn run(&mut self) -> Result<JobRun, EngineError> {
        let (id, mut claimed) = self.request().await?;
        loop {
            // An engine may have been quicker, or an older run may have to go first.
            if claimed.is_none() {
                claimed = self.claim().await?;
            }
            if let Some(claimed) = claimed.take() {
                self.attempt(claimed).await;
            }
            let run = self.look(id).await?;
            if !run.state.is_open() || self.cancel.is_cancelled() {
                return Ok(run);
            }
            sleep(LOOK).await;
        }
    }

    async fn request(&self) -> Result<(Uuid, Option<ClaimedRun>), EngineError> {
        loop {
            let open = match jobs::request_run(self.app.db(), self.spec.name).await? {
                Requested::Started(run) => return Ok((run.id, None)),
                Requested::AlreadyOpen(open) => open,
            };
            if let Some(claimed) = self.claim().await? {
                return Ok((claimed.run.id, Some(claimed)));
            }
            // It may have ended meanwhile, or with the claim: it was dead and had been asked to stop.
            if find(self.app, open.id).await?.state.is_open() {
                return Err(EngineError::AlreadyOpen(Box::new(open)));
            }
        }
    }

    async fn claim(&self) -> Result<Option<ClaimedRun>, EngineError> {
        Ok(jobs::claim_run(self.app.db(), self.spec.name, self.options.lease).await?)
    }

    async fn attempt(&mut self, claimed: ClaimedRun) {
        let id = claimed.run.id;
        let attempt = Attempt {
            app: self.app.clone(),
            spec: self.spec.clone(),
            claimed,
            options: self.options,
            cancel: self.cancel.child_token(),
            kill: CancellationToken::new(),
        };
        let looking = async {
            loop {
                sleep(LOOK).await;
                // Only to show: the attempt itself says what goes wrong.
                let _ = self.look(id).await;
            }
        };
        tokio::select! {
            () = attempt.run() => {}
            () = looking => {}
        }
    }

    async fn look(&mut self, id: Uuid) -> Result<JobRun, EngineError> {
        let run = find(self.app, id).await?;
        if self.seen.as_ref() != Some(&run) {
            (self.progress)(&run);
            self.seen = Some(run.clone());
        }
        Ok(run)
    }
}

async fn find(app: &App, id: Uuid) -> Result<JobRun, EngineError> {
    let run = jobs::find_run(app.db(), id).await?;
    Ok(run.ok_or_else(|| rollcall_store::Error::Internal("the run has gone".into()))?)
}
