//! A real server in the test process, with the job engine and a database of its own.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use rollcall_app::{App, reports::ReportStore};
use rollcall_auth::{AuthConfig, Authenticator, RefreshTimes};
use rollcall_domain::OrganizationId;
use rollcall_grpc::{AccessControl, CallBudgets, CallLimits, DecisionOptions, ServerLimits};
use rollcall_jobs::{Engine, JobOptions};
use rollcall_proto::v1::{
    assignment_service_client::AssignmentServiceClient, audit_service_client::AuditServiceClient,
    directory_service_client::DirectoryServiceClient, email_export_service_client::EmailExportServiceClient,
    job_service_client::JobServiceClient, member_service_client::MemberServiceClient,
    migration_service_client::MigrationServiceClient, organization_service_client::OrganizationServiceClient,
    report_service_client::ReportServiceClient,
};
use rollcall_store::{Db, Limits, Options, announcements::start_announcing};
use tempfile::TempDir;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use tonic::{Response, Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{clock::TestClock, database::TestDatabase, issuer::TestIssuer, proxy::FaultProxy};

/// A running server. Dropping the value aborts it.
pub struct TestServer {
    /// The address of the server.
    pub address: SocketAddr,
    /// The use cases behind the server.
    pub app: App,
    /// The budgets of the calls.
    pub calls: CallBudgets,
    /// The database of the server.
    pub database: TestDatabase,
    channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    server: JoinHandle<()>,
    engine: Option<Engine>,
    reports: TempDir,
}

impl TestServer {
    /// Starts a server and its jobs on an empty database.
    pub async fn start() -> Self {
        Self::start_with(JobOptions::default()).await
    }

    /// The same, with other options for the jobs.
    pub async fn start_with(jobs: JobOptions) -> Self {
        let database = TestDatabase::new().await;
        let db = database.db();
        Self::start_on(database, db, jobs).await
    }

    /// The same, with other limits of the database.
    pub async fn start_with_limits(limits: Limits) -> Self {
        let database = TestDatabase::new().await;
        let db = database.db().with_limits(limits);
        Self::start_on(database, db, JobOptions::default()).await
    }

    /// The same, with other limits of the calls.
    pub async fn start_with_calls(calls: CallLimits) -> Self {
        let database = TestDatabase::new().await;
        let db = database.db();
        let limits = ServerLimits { calls: CallBudgets::new(calls), ..Default::default() };
        Self::start_limited(database, db, JobOptions::default(), limits).await
    }

    /// The same, with other options of the decisions.
    pub async fn start_with_decisions(decisions: DecisionOptions) -> Self {
        let database = TestDatabase::new().await;
        let db = database.db();
        let limits = ServerLimits { decisions, ..Default::default() };
        Self::start_limited(database, db, JobOptions::default(), limits).await
    }

    /// Starts a server and its jobs on a database with a [`TestClock`], which the server uses.
    pub async fn start_with_clock(database: TestDatabase) -> Self {
        let db = Db::open(&Options::new(TestClock::url(&database), 8)).unwrap();
        Self::start_on(database, db, JobOptions::default()).await
    }

    /// Starts a server and its jobs on an empty database behind a proxy.
    pub async fn start_behind_proxy() -> (Self, FaultProxy) {
        Self::start_behind_proxy_with(DecisionOptions::default()).await
    }

    /// The same, with other options of the decisions.
    pub async fn start_behind_proxy_with(decisions: DecisionOptions) -> (Self, FaultProxy) {
        let database = TestDatabase::new().await;
        let proxy = FaultProxy::open(&database.url()).await;
        let db = Db::open(&Options::new(proxy.url(), 8)).unwrap();
        let limits = ServerLimits { decisions, ..Default::default() };
        (Self::start_limited(database, db, JobOptions::default(), limits).await, proxy)
    }

    /// Starts another server, without jobs, on the database of a URL: the same one, perhaps behind a proxy.
    pub async fn start_replica(&self, url: &str, decisions: DecisionOptions) -> Replica {
        let store = ReportStore::open(&format!("file://{}", self.reports.path().display())).unwrap();
        let app = App::new(Db::open(&Options::new(url, 8)).unwrap(), store);
        start_announcing(app.db());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ServerLimits { decisions, ..Default::default() };
        let server = tokio::spawn(async move {
            rollcall_grpc::serve(app, Vec::new(), listener, limits, std::future::pending()).await.unwrap();
        });
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy();
        Replica { channel, server }
    }

    async fn start_on(database: TestDatabase, db: Db, jobs: JobOptions) -> Self {
        Self::start_limited(database, db, jobs, ServerLimits::default()).await
    }

    async fn start_limited(database: TestDatabase, db: Db, jobs: JobOptions, limits: ServerLimits) -> Self {
        let reports = TempDir::new().unwrap();
        let store = ReportStore::open(&format!("file://{}", reports.path().display())).unwrap();
        let app = App::new(db, store);
        start_announcing(app.db());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = limits.calls.clone();
        let (stop, stopped) = oneshot::channel();
        let (serving, listed) = (app.clone(), rollcall_jobs::list(&jobs));
        let server = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            rollcall_grpc::serve(serving, listed, listener, limits, stopped).await.unwrap();
        });
        let engine = Some(rollcall_jobs::start(app.clone(), &jobs).await.unwrap());
        let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy();
        Self { address, app, calls, database, channel, stop: Some(stop), server, engine, reports }
    }

    /// Serves the same organizations at another address, to the callers that the issuer's tokens name. The second server
    /// runs until the test ends.
    pub async fn serve_guarded(&self, issuer: &TestIssuer) -> Channel {
        let config = AuthConfig::parse(&issuer.config()).unwrap();
        let authenticator = Authenticator::start(config, RefreshTimes::default()).unwrap();
        connect(self.serve_to(AccessControl::required(authenticator)).await).await
    }

    /// The same, with any control of the callers. Returns the address.
    pub async fn serve_to(&self, access: AccessControl) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = ServerLimits { access, ..Default::default() };
        let jobs = rollcall_jobs::list(&JobOptions::default());
        let app = self.app.clone();
        tokio::spawn(async move {
            rollcall_grpc::serve(app, jobs, listener, limits, std::future::pending()).await.unwrap();
        });
        address
    }

    /// Stops the server and its jobs, and waits until they have stopped.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(engine) = self.engine.take() {
            engine.stop(Duration::from_secs(10)).await;
        }
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// Waits until this many writes of an organization wait for its lock or have it.
    pub async fn wait_for_queued_writes(&self, organization: &str, writes: usize) {
        let organization = OrganizationId::trusted(organization);
        let reached = async {
            while self.app.db().queued_writes(&organization) != writes {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), reached).await.expect("another number of writes is queued");
    }

    /// Returns the directory of the reports.
    pub fn reports(&self) -> &std::path::Path {
        self.reports.path()
    }

    /// Returns a client of `OrganizationService`.
    pub fn organizations(&self) -> OrganizationServiceClient<Channel> {
        OrganizationServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `AssignmentService`.
    pub fn assignments(&self) -> AssignmentServiceClient<Channel> {
        AssignmentServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `MemberService`.
    pub fn members(&self) -> MemberServiceClient<Channel> {
        MemberServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `DirectoryService`.
    pub fn directory(&self) -> DirectoryServiceClient<Channel> {
        DirectoryServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `EmailExportService`.
    pub fn email_export(&self) -> EmailExportServiceClient<Channel> {
        EmailExportServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `MigrationService`.
    pub fn migration(&self) -> MigrationServiceClient<Channel> {
        MigrationServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `JobService`.
    pub fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `ReportService`.
    pub fn reports_service(&self) -> ReportServiceClient<Channel> {
        ReportServiceClient::new(self.channel.clone())
    }

    /// Returns a client of `AuditService`.
    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    /// Returns a channel to the server.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Another server on the database of a [`TestServer`]. Dropping the value aborts it.
pub struct Replica {
    channel: Channel,
    server: JoinHandle<()>,
}

impl Replica {
    /// Returns a channel to the server.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// Returns a client of `EmailExportService`.
    pub fn email_export(&self) -> EmailExportServiceClient<Channel> {
        EmailExportServiceClient::new(self.channel.clone())
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Returns a channel to a server at an address.
pub async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// Returns the error of a refused call as text: the code, the reason, the fields and the metadata.
pub async fn refused<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> String {
    let status = call.await.err().expect("a refused call");
    let details = status.get_error_details();
    let mut words = vec![format!("{:?}", status.code()), reason(&status)];
    words.extend(details.bad_request().into_iter().flat_map(|bad| &bad.field_violations).map(|v| v.field.clone()));
    let metadata = details.error_info().map(|info| info.metadata.clone()).unwrap_or_default();
    words.extend(BTreeMap::from_iter(metadata).iter().map(|(key, value)| format!("{key}={value}")));
    words.join(" ")
}

/// Returns the reason of an error, from its `ErrorInfo`.
#[must_use]
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details();
    details.error_info().map_or_else(|| format!("{status:?} has no ErrorInfo"), |info| info.reason.clone())
}
