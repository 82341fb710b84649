//! `serve` and `jobs`: the service's parts put together, started, and brought to an end.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
    time::Duration,
};

use rollcall_app::{App, jobs::JobInfo, reports::ReportStore};
use rollcall_jobs::Engine;
use rollcall_store::{Db, audit::is_rewritable};
use tokio::{net::TcpListener, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_health::ServingStatus;
use url::Url;

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result, with_causes},
    shutdown::Shutdown,
};

/// What a process does beside answering health checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Answers calls and runs jobs.
    CallsAndJobs,
    /// Answers calls.
    Calls,
    /// Runs jobs.
    Jobs,
}

/// `rollcall serve`.
///
/// # Errors
/// When a part does not start, or stops before it is asked to.
pub(crate) async fn serve(config: &Config, shutdown: &Shutdown) -> Result {
    let work = if config.no_jobs { Work::Calls } else { Work::CallsAndJobs };
    run(config, work, shutdown).await
}

/// `rollcall jobs`.
///
/// # Errors
/// When a part does not start, or stops before it is asked to.
pub(crate) async fn jobs(config: &Config, shutdown: &Shutdown) -> Result {
    if config.no_jobs {
        return Err(Error::usage("--no-jobs (ROLLCALL_NO_JOBS) leaves `rollcall jobs` nothing to do"));
    }
    run(config, Work::Jobs, shutdown).await
}

async fn run(config: &Config, work: Work, shutdown: &Shutdown) -> Result {
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return Ok(()) };
    if let Some(notice) = database.notice() {
        tracing::info!("{notice}");
    }
    if is_rewritable(&database.db).await.map_err(Error::doing("cannot see what the database allows"))? {
        tracing::warn!(
            "the role that this process connects to Postgres as could rewrite the audit; connect as one that is no \
             superuser and may only add to it, as \"Roles\" in docs/operations.md says"
        );
    }
    let result = run_on(&database, config, work, shutdown).await;
    let closed = database.close().await;
    result.and(closed)
}

async fn run_on(database: &Database, config: &Config, work: Work, shutdown: &Shutdown) -> Result {
    let mut service = Service::start(config, &database.db, work).await?;
    tracing::info!(address = %service.address, ?work, "serving");
    let ended = shutdown.interrupts(service.ended()).await.unwrap_or(Ok(()));
    let stopped = service.stop().await;
    ended.and(stopped)
}

/// The running parts of this process.
pub(crate) struct Service {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    server: Option<JoinHandle<Result>>,
    engine: Option<Engine>,
    stopping: CancellationToken,
    deadline: Duration,
}

impl Service {
    /// Starts what `work` names. Dropping it leaves calls and jobs to the end of the process.
    ///
    /// # Errors
    /// When a part does not start.
    pub(crate) async fn start(config: &Config, db: &Db, work: Work) -> Result<Self> {
        let reports = ReportStore::open(config.reports_url()?.as_str())
            .map_err(Error::doing("cannot use --reports-url (ROLLCALL_REPORTS_URL)"))?;
        tokio::spawn(look_at_reports(reports.clone()));
        let listener = TcpListener::bind(config.listen).await.map_err(|error| not_listening(config.listen, &error))?;
        let address = listener.local_addr().map_err(Error::doing("cannot see where it listens"))?;
        let app = App::new(db.clone(), reports).with_options(config.app_options());
        let stopping = CancellationToken::new();
        let stopped = stopping.clone().cancelled_owned();
        let server = if work == Work::Jobs {
            tokio::spawn(answer_health(listener, stopped))
        } else {
            let jobs = rollcall_jobs::list(&config.job_options());
            tokio::spawn(answer_calls(app.clone(), jobs, listener, stopped))
        };
        let engine = match work {
            Work::Calls => None,
            Work::CallsAndJobs | Work::Jobs => {
                let started = rollcall_jobs::start(app, &config.job_options()).await;
                Some(started.map_err(Error::doing("cannot run jobs"))?)
            }
        };
        Ok(Self { address, server: Some(server), engine, stopping, deadline: config.shutdown_timeout })
    }

    /// Returns the URL of the service, for clients in this process.
    ///
    /// # Errors
    /// The address is no valid host of a URL.
    pub(crate) fn url(&self) -> Result<Url> {
        let url = format!("http://{}", self.address);
        Url::parse(&url).map_err(Error::doing(format!("cannot use the address {url}")))
    }

    /// Waits for a server that ends although nobody asked it to.
    ///
    /// # Errors
    /// Always: a server does not end by itself.
    pub(crate) async fn ended(&mut self) -> Result {
        if let Some(server) = &mut self.server {
            let ended = outcome(server.await);
            self.server = None;
            ended?;
        }
        Err(Error::failed("the server ended although nobody asked it to"))
    }

    /// Takes no new calls, and gives those under way and the jobs the time of --shutdown-timeout to finish.
    ///
    /// # Errors
    /// When the server failed.
    pub(crate) async fn stop(self) -> Result {
        self.stopping.cancel();
        let drained = async {
            let Some(mut server) = self.server else { return Ok(()) };
            match timeout(self.deadline, &mut server).await {
                Ok(ended) => outcome(ended),
                Err(_) => {
                    tracing::warn!(waited = ?self.deadline, "calls that are still under way are cut");
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

/// Warns of a report store that does not answer. It keeps nobody else waiting: calls need no reports, and the job tries
/// again.
async fn look_at_reports(reports: ReportStore) {
    if let Err(error) = reports.reach().await {
        tracing::warn!(
            url = reports.url_of(""),
            "the report store cannot be reached: {}; reports can be neither written nor downloaded until it can",
            with_causes(&error)
        );
    }
}

fn outcome(ended: std::result::Result<Result, tokio::task::JoinError>) -> Result {
    ended.map_err(Error::doing("the server failed"))?
}

fn not_listening(address: SocketAddr, error: &io::Error) -> Error {
    let hint = "choose another address with --listen (ROLLCALL_LISTEN)";
    match error.kind() {
        ErrorKind::AddrInUse => {
            Error::failed(format!("{address} is taken, perhaps by another rollcall: stop that program, or {hint}"))
        }
        _ => Error::failed(format!("cannot listen on {address}: {error}; {hint}")),
    }
}

async fn answer_calls(
    app: App,
    jobs: Vec<JobInfo>,
    listener: TcpListener,
    stopped: impl Future<Output = ()> + Send,
) -> Result {
    rollcall_grpc::serve(app, jobs, listener, stopped).await.map_err(Error::doing("the server failed"))
}

/// All that a process with nothing but jobs answers.
async fn answer_health(listener: TcpListener, stopped: impl Future<Output = ()> + Send) -> Result {
    let (reporter, health) = tonic_health::server::health_reporter();
    let stopped = async move {
        stopped.await;
        reporter.set_service_status("", ServingStatus::NotServing).await;
    };
    Server::builder()
        .add_service(health)
        .serve_with_incoming_shutdown(TcpIncoming::from(listener).with_nodelay(Some(true)), stopped)
        .await
        .map_err(Error::doing("the server failed"))
}
