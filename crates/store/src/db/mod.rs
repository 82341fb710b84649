//! The pool, and the only ways to open a transaction.

mod address;
mod body;
mod budgets;
mod clock;
mod commits;
mod connect;
mod interrupt;
mod limits;
mod locking;
mod organization;
mod pool;
mod prepared;
mod queue;
mod scope;
mod single;
mod statement;
mod tls;
mod transaction;
mod tx;

use std::sync::Arc;

use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::deadpool::{Object, Pool},
};
use rollcall_domain::OrganizationId;
use tokio::{
    sync::{OnceCell, Semaphore},
    time::Instant,
};
use tracing::Instrument as _;

use self::{
    budgets::{ReadBudget, ReadTurn, Shares, StreamBudget},
    commits::Commits,
    interrupt::BegunWrite,
    limits::{BEGIN_READ_ONLY, BEGIN_SNAPSHOT},
    queue::Queues,
    scope::set_organization,
    tls::DatabaseTls,
    transaction::{begin, end, pause, roll_back_after, rollback},
    tx::TransactionConn,
};
pub use body::{TxBody, TxError};
pub use budgets::ConnectionShares;
pub(crate) use clock::clock;
pub(crate) use connect::connect_patiently;
pub use interrupt::run_for_caller;
pub use limits::Limits;
pub(crate) use limits::within;
pub use organization::OrganizationView;
pub(crate) use organization::find_organization;
pub use pool::Options;
pub(crate) use prepared::Prepared;
pub(crate) use scope::{VisibleRows, enter_organization};
pub(crate) use statement::{Bound, execute, load, run_statement, statement, statement_name};
pub use transaction::{Fence, WriteOptions};
pub use tx::{ReadTx, WriteTx};

use crate::{Error, Result};

/// How often a transaction runs at most when it cannot be serialized.
const ATTEMPTS: u32 = 5;

/// A connection for statements that span organizations: jobs, runs, reports.
pub type SystemConn = Object<AsyncPgConnection>;

/// The database.
#[derive(Clone)]
pub struct Db {
    /// The connections that this value uses: those for other work, unless [`Db::for_checks`] or
    /// [`Db::for_heartbeats`] has made it.
    pool: Pool<AsyncPgConnection>,
    checks: Pool<AsyncPgConnection>,
    heartbeats: Pool<AsyncPgConnection>,
    streams: Arc<StreamBudget>,
    /// `None` over connections of their own, which only the number of connections limits.
    reads: Option<Arc<ReadBudget>>,
    writes: Arc<Queues>,
    /// The connections that bulk writes may use.
    bulk: Arc<Semaphore>,
    /// Who is told of the writes of this process.
    commits: Arc<Commits>,
    /// The role of statements about all organizations, once it is known that the login role needs it.
    jobs_role: Arc<OnceCell<String>>,
    limits: Limits,
    /// With which TLS a statement is cancelled: that of the connections.
    tls: Arc<DatabaseTls>,
}

/// How many connections are in use, out of those that each kind of work may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionUse {
    /// By checks of email export.
    pub checks: usize,
    /// By reads of organizations.
    pub reads: usize,
    /// By streams.
    pub streams: usize,
    /// By all work other than checks and heartbeats; reads and streams included.
    pub others: usize,
}

impl Db {
    /// Opens the pools, which divide the connections. They connect when a connection is needed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the URL is not valid.
    pub fn open(options: &Options) -> Result<Self> {
        let organization_percent = options.shares.organization_percent;
        let shares = Shares::of(options.connections, options.shares);
        let address = pool::parse_url(&options.url)?;
        let open = |connections| pool::open(&address, connections);
        let pool = open(shares.others)?;
        let share = |connections| if connections == 0 { Ok(pool.clone()) } else { open(connections) };
        let (checks, heartbeats) = (share(shares.checks)?, share(shares.heartbeats)?);
        let streams = Arc::new(StreamBudget::new(shares.streams, organization_percent));
        let reads = Some(Arc::new(ReadBudget::new(shares.reads, organization_percent)));
        let (writes, bulk) = (Arc::new(Queues::new(1)), Arc::new(Semaphore::new(shares.bulk)));
        let (commits, jobs_role) = (Arc::default(), Arc::default());
        let (limits, tls) = (Limits::default(), Arc::new(address.tls.clone()));
        Ok(Self { pool, checks, heartbeats, streams, reads, writes, bulk, commits, jobs_role, limits, tls })
    }

    /// The same database over the connections that only checks of email export use.
    #[must_use]
    pub fn for_checks(&self) -> Self {
        Self { pool: self.checks.clone(), reads: None, ..self.clone() }
    }

    /// The same database over the connections that only heartbeats of jobs use.
    pub(crate) fn for_heartbeats(&self) -> Self {
        Self { pool: self.heartbeats.clone(), reads: None, ..self.clone() }
    }

    /// The same database over the checks' connections, for the task that tells other processes of the writes of this one. It
    /// does not keep the observers, of which the task is one.
    pub(crate) fn for_announcements(&self) -> Self {
        Self { commits: Arc::default(), ..self.for_checks() }
    }

    /// Calls `observer` with the organization and its new revision after each write of this process, before the write is
    /// acknowledged. The write may have been rolled back if its commit has failed.
    pub fn observe_commits(&self, observer: impl Fn(&OrganizationId, i64) + Send + Sync + 'static) {
        self.commits.add(Box::new(observer));
    }

    /// Returns how many connections this value may use.
    #[must_use]
    pub fn connections_max(&self) -> usize {
        self.pool.status().max_size
    }

    /// Returns how many connections are in use.
    #[must_use]
    pub fn connections_in_use(&self) -> ConnectionUse {
        let in_use = |pool: &Pool<AsyncPgConnection>| {
            let status = pool.status();
            status.size.saturating_sub(status.available)
        };
        ConnectionUse {
            checks: in_use(&self.checks),
            reads: self.reads.as_ref().map_or(0, |reads| reads.count()),
            streams: self.streams.count(),
            others: in_use(&self.pool),
        }
    }

    /// The same database with other limits: for tests, which cannot wait as long.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Changes one organization in a transaction that first locks the organization's row, so that its writes run one
    /// after the other. `body` awaits nothing but statements. `options` is the name of the span, or [`WriteOptions`].
    /// While it waits for the other writes, it holds no connection.
    ///
    /// # Errors
    /// The error of `body`, [`Error::OrganizationNotFound`], [`Error::QueueFull`] or [`Error::LockTimeout`].
    /// [`WriteOptions`] has the errors of a job's run.
    pub async fn write<T, E, F>(
        &self,
        organization: &OrganizationId,
        options: impl Into<WriteOptions>,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Clone + Send,
    {
        let options = options.into();
        let span = tracing::info_span!("transaction", otel.name = options.name, organization = %organization);
        let attempts = async {
            let deadline = Instant::now() + options.lock_limit(self.limits);
            let _turn = self.wait_for_turn(organization, options, deadline).await?;
            let _bulk = self.wait_for_bulk(organization, options, deadline).await?;
            let mut attempt = 1;
            loop {
                let mut locked = self.lock(organization, options, deadline).await?;
                let body = body.clone();
                let written = locked.tx.written.clone();
                let writing = async {
                    let answer = body(&mut locked.tx).await;
                    end(&mut locked.tx.read.conn, answer).await
                };
                let done = within(self.limits.write, writing).await;
                if let Some(revision) = written.get() {
                    self.commits.report(organization, *revision);
                }
                match done {
                    Err(error) if error.is_retryable() && attempt < ATTEMPTS => pause(attempt).await,
                    done => return done,
                }
                attempt += 1;
            }
        };
        attempts.instrument(span).await
    }

    /// Reads one organization in one read snapshot. The read ends when it is dropped.
    ///
    /// # Errors
    /// The error of `body`, or [`Error::OrganizationNotFound`].
    pub async fn read<T, E, F>(
        &self,
        organization: &OrganizationId,
        name: &'static str,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut ReadTx, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let span = tracing::info_span!("transaction", otel.name = name, organization = %organization);
        let reading = async {
            let _turn = self.wait_to_read(organization).await?;
            let mut tx = self.open_snapshot(organization).await?;
            match body(&mut tx).await {
                Ok(value) => {
                    rollback(&mut tx.conn).await;
                    Ok(value)
                }
                Err(error) => Err(roll_back_after(&mut tx.conn, error).await),
            }
        };
        within(self.limits.read, reading).instrument(span).await
    }

    /// Opens a read snapshot of one organization that lasts until it is dropped: for streams, whose reader decides when
    /// the next part is read. [`ReadTx::end`] gives the connection back; dropping the snapshot cancels its statement and
    /// closes the connection.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`], or [`Error::TooManyStreams`].
    pub async fn snapshot(&self, organization: &OrganizationId) -> Result<ReadTx> {
        let place = self.streams.take(organization)?;
        let tx = self.open_snapshot(organization).await?;
        Ok(ReadTx { _stream: Some(place), ..tx })
    }

    async fn wait_to_read(&self, organization: &OrganizationId) -> Result<Option<ReadTurn>> {
        let Some(reads) = &self.reads else { return Ok(None) };
        reads.wait(organization, Instant::now() + self.limits.connection).await.map(Some)
    }

    async fn open_snapshot(&self, organization: &OrganizationId) -> Result<ReadTx> {
        let not_found = || Error::OrganizationNotFound(organization.clone());
        let opening = async {
            let begin = format!("{BEGIN_SNAPSHOT}; {}", set_organization(organization.as_str()));
            let mut conn = self.begin(&begin).await?;
            let found = find_organization(&mut conn, organization).await;
            let organization = match found.and_then(|found| found.ok_or_else(not_found)) {
                Ok(organization) => organization,
                Err(error) => return Err(roll_back_after(&mut conn, error).await),
            };
            Ok(ReadTx { conn, organization, _stream: None })
        };
        within(self.limits.statement, opening).await
    }

    /// Runs statements about no organization (jobs, their runs, reports) in one transaction. They see no row of an
    /// organization, unless the body enters one.
    ///
    /// # Errors
    /// The error of `body`.
    pub async fn system<T, E, F>(&self, name: &'static str, body: F) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut SystemConn, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let span = tracing::debug_span!("transaction", otel.name = name);
        let running = async {
            let conn = self.connection().await?;
            let _begun = BegunWrite::new();
            let mut conn = TransactionConn::writing(conn);
            begin(&mut conn, "BEGIN").await?;
            let answer = body(&mut conn).await;
            end(&mut conn, answer).await
        };
        within(self.limits.write, running).instrument(span).await
    }

    /// The same for statements that only read. The read ends when it is dropped.
    ///
    /// # Errors
    /// The error of `body`.
    pub async fn read_system<T, E, F>(&self, name: &'static str, body: F) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut SystemConn, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let span = tracing::debug_span!("transaction", otel.name = name);
        let running = async {
            let mut conn = self.begin(BEGIN_READ_ONLY).await?;
            let answer = body(&mut conn).await;
            end(&mut conn, answer).await
        };
        within(self.limits.read, running).instrument(span).await
    }

    /// Begins a transaction that only reads.
    async fn begin(&self, sql: &str) -> Result<TransactionConn> {
        let mut conn = TransactionConn::reading(self.connection().await?, self.tls.clone());
        begin(&mut conn, sql).await?;
        Ok(conn)
    }

    async fn connection(&self) -> Result<SystemConn> {
        let connecting = async { self.pool.get().await.map_err(|error| Error::Unavailable(error.into())) };
        within(self.limits.connection, connecting).await
    }

    /// Opens a connection that belongs to no pool.
    pub(crate) async fn own_connection(&self) -> Result<AsyncPgConnection> {
        Ok(Object::take(self.for_heartbeats().connection().await?))
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it does not.
    pub async fn ping(&self) -> Result<()> {
        self.statement(async |conn: &mut SystemConn| {
            diesel::sql_query("SELECT 1").execute(conn).await?;
            Ok(())
        })
        .await
    }

    /// Checks that the database answers on the connections that only checks of email export use.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database does not answer.
    pub async fn ping_for_checks(&self) -> Result<()> {
        self.for_checks().ping().await
    }
}
