//! `rollcall serve` and `rollcall jobs`: starts and stops the parts of the service.

use std::{net::SocketAddr, time::Duration};

use rollcall_app::App;
use rollcall_grpc::{CallBudgets, ServerLimits};
use rollcall_jobs::Engine;
use rollcall_store::{Db, announcements::start_announcing, audit::is_rewritable, protection::sees_all_organizations};
use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result, with_causes},
    listeners,
    shutdown::Shutdown,
};

/// The work of a process. Every process also answers health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Answers calls and runs jobs.
    CallsAndJobs,
    /// Answers calls.
    Calls,
    /// Answers calls, and runs only the job that changes the migrations of many organizations.
    CallsAndChanges,
    /// Runs jobs.
    Jobs,
}

/// `rollcall serve`.
///
/// # Errors
/// A part does not start, or ends before a stop is requested.
pub(crate) async fn serve(config: &Config, shutdown: &Shutdown) -> Result {
    config.auth.check(config.listen)?;
    let work = if config.no_jobs { Work::Calls } else { Work::CallsAndJobs };
    run(config, work, shutdown).await
}

/// `rollcall jobs`.
///
/// # Errors
/// A part does not start, or ends before a stop is requested.
pub(crate) async fn jobs(config: &Config, shutdown: &Shutdown) -> Result {
    if config.no_jobs {
        return Err(Error::usage("--no-jobs (ROLLCALL_NO_JOBS) leaves `rollcall jobs` nothing to do"));
    }
    run(config, Work::Jobs, shutdown).await
}

async fn run(config: &Config, work: Work, shutdown: &Shutdown) -> Result {
    // A mistake in the command line is reported before anything is opened.
    config.tls.files()?;
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return Ok(()) };
    if let Some(notice) = database.notice() {
        tracing::info!("{notice}");
    }
    if is_rewritable(&database.db).await.map_err(Error::doing("cannot check the privileges of the database role"))? {
        tracing::warn!(
            "the database role of this process could rewrite the audit; connect with a role that is no superuser and can \
             only add to the audit, see \"Database roles\" in docs/operations.md"
        );
    }
    let unbound = sees_all_organizations(&database.db).await;
    if unbound.map_err(Error::doing("cannot check the privileges of the database role"))? {
        tracing::warn!(
            "the database role of this process sees the rows of all organizations, so a wrong statement could show or \
             change rows of another organization; connect as a role that owns nothing, see \"Database roles\" in \
             docs/operations.md"
        );
    }
    let result = run_on(&database, config, work, shutdown).await;
    let closed = database.close().await;
    result.and(closed)
}

async fn run_on(database: &Database, config: &Config, work: Work, shutdown: &Shutdown) -> Result {
    let mut service = Service::start(config, &database.db, work).await?;
    tracing::info!(address = %service.address, ?work, "serving");
    let ended = tokio::select! {
        ended = shutdown.interrupts(service.ended()) => ended.unwrap_or(Ok(())),
        lost = database.lost() => Err(lost),
    };
    let stopped = service.stop().await;
    ended.and(stopped)
}

/// The running parts of this process.
pub(crate) struct Service {
    /// The address on which the process listens.
    pub(crate) address: SocketAddr,
    server: Option<JoinHandle<Result>>,
    engine: Option<Engine>,
    stopping: CancellationToken,
    deadline: Duration,
}

impl Service {
    /// Starts the parts for this work. Dropping the value does not stop them: they run until the process ends.
    ///
    /// # Errors
    /// A part does not start.
    pub(crate) async fn start(config: &Config, db: &Db, work: Work) -> Result<Self> {
        let reports = config.open_reports()?;
        let (listener, address) = match work {
            Work::Jobs => listeners::open_health(config).await?,
            _ => listeners::open(config).await?,
        };
        let app = App::new(db.clone(), reports).with_options(config.app_options());
        tokio::spawn(warn_if_unusable(app.clone(), work));
        if config.decision_signals {
            start_announcing(db);
        }
        let stopping = CancellationToken::new();
        let stopped = stopping.clone().cancelled_owned();
        let server = if work == Work::Jobs {
            let health = rollcall_grpc::serve_health(app.clone(), listener, config.connection_limits(), stopped);
            tokio::spawn(async {
                health.await;
                Ok(())
            })
        } else {
            let calls = CallBudgets::new(config.call_limits());
            let access = config.auth.open(address)?;
            let (connections, decisions) = (config.connection_limits(), config.decision_options());
            let limits = ServerLimits { connections, calls, decisions, access };
            let jobs = rollcall_jobs::list(&config.job_options());
            let calls = rollcall_grpc::serve(app.clone(), jobs, listener, limits, stopped);
            tokio::spawn(async { calls.await.map_err(Error::doing("the server failed")) })
        };
        let engine = match work {
            Work::Calls => None,
            Work::CallsAndChanges => {
                let started = rollcall_jobs::start_migration_changes(app).await;
                Some(started.map_err(Error::doing("cannot run jobs"))?)
            }
            Work::CallsAndJobs | Work::Jobs => {
                let started = rollcall_jobs::start(app, &config.job_options()).await;
                Some(started.map_err(Error::doing("cannot run jobs"))?)
            }
        };
        Ok(Self { address, server: Some(server), engine, stopping, deadline: config.shutdown_timeout })
    }

    /// Waits until the server ends without a requested stop.
    ///
    /// # Errors
    /// Always: a server does not end by itself.
    pub(crate) async fn ended(&mut self) -> Result {
        if let Some(server) = &mut self.server {
            let ended = outcome(server.await);
            self.server = None;
            ended?;
        }
        Err(Error::failed("the server ended, but no stop was requested"))
    }

    /// Stops the parts. Accepts no new calls, and waits at most --shutdown-timeout until running calls and jobs end.
    ///
    /// # Errors
    /// The server failed.
    pub(crate) async fn stop(self) -> Result {
        self.stopping.cancel();
        let drained = async {
            let Some(mut server) = self.server else { return Ok(()) };
            match timeout(self.deadline, &mut server).await {
                Ok(ended) => outcome(ended),
                Err(_) => {
                    tracing::warn!(waited = ?self.deadline, "aborting the calls that still run");
                    server.abort();
                    Ok(())
                }
            }
        };
        let halted = async {
            if let Some(engine) = self.engine {
                engine.stop(self.deadline).await;
            }
        };
        let (drained, ()) = tokio::join!(drained, halted);
        drained
    }
}

/// Logs a warning if the report store does not answer, or if another installation owns it. Nothing waits for the store: calls need no reports, and the job
/// tries again.
async fn warn_if_unusable(app: App, work: Work) {
    let reports = app.reports();
    if let Err(error) = reports.reach().await {
        tracing::warn!(
            url = reports.url_of(""),
            "the report store cannot be reached: {}; reports can be neither written nor downloaded until then",
            with_causes(&error)
        );
    } else if work != Work::Calls
        && let Err(error @ rollcall_app::Error::NotReportsOwner { .. }) = app.check_reports_owner().await
    {
        tracing::warn!("{error}");
    }
}

fn outcome(ended: std::result::Result<Result, tokio::task::JoinError>) -> Result {
    ended.map_err(Error::doing("the server failed"))?
}
