//! The pool, and the only ways to open a transaction.

mod body;
mod clock;
mod connect;
mod limits;
mod transaction;

use deadpool::Runtime;
use diesel_async::{
    AsyncPgConnection, RunQueryDsl,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError,
        deadpool::{Object, Pool},
    },
};
use rollcall_domain::OrganizationId;
use tracing::Instrument as _;
use uuid::Uuid;

use self::{
    limits::{BEGIN_SNAPSHOT, CHECK, silent},
    transaction::{begin, commit, lock, pause, rollback, rolled_back},
};
pub use body::{TxBody, TxError};
pub(crate) use clock::clock;
pub(crate) use connect::connect_patiently;
pub use limits::Limits;
pub(crate) use limits::within;
pub(crate) use transaction::told;

use crate::{
    Error, Result, organizations,
    tx::{ReadTx, Transacting, WriteTx},
};

/// How often a transaction is tried that could not be serialized.
const ATTEMPTS: u32 = 5;

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// A `postgres://` URL.
    pub url: String,
    /// At most this many connections.
    pub connections: usize,
}

/// Proof that a job's run still owns its lease: the fence that it was claimed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence {
    /// The run.
    pub run: Uuid,
    /// Counts the claims of this run.
    pub number: i64,
}

/// On whose behalf a job writes, and whether it waits for the organization's lock.
#[derive(Clone, Copy)]
struct Claim {
    fence: Fence,
    wait: bool,
}

/// A connection for what spans organizations: jobs, runs, reports.
pub type SystemConn = Object<AsyncPgConnection>;

/// The database.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
    limits: Limits,
}

impl Db {
    /// Opens a pool. Connections are made when they are needed.
    ///
    /// # Errors
    /// A URL that cannot be read.
    pub fn open(options: &Options) -> Result<Self> {
        options
            .url
            .parse::<tokio_postgres::Config>()
            .map_err(|error| Error::Unavailable(format!("DATABASE_URL cannot be read: {error}").into()))?;
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(|url| Box::pin(connect::connect(url.to_owned())));
        let manager = AsyncDieselConnectionManager::new_with_config(options.url.as_str(), config);
        let pool = Pool::builder(manager)
            .max_size(options.connections)
            .runtime(Runtime::Tokio1)
            .recycle_timeout(Some(CHECK))
            .build()
            .map_err(|error| Error::Internal(error.into()))?;
        Ok(Self { pool, limits: Limits::default() })
    }

    /// The same database with other limits: for tests, which cannot wait so long.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Changes one organization. Its row is locked first, so that its writes are one after the
    /// other; nothing but statements may be awaited inside. `name` names the span.
    ///
    /// # Errors
    /// What `body` answers, [`Error::OrganizationNotFound`], or a database that fails.
    pub async fn write<T, E, F>(
        &self,
        organization: &OrganizationId,
        name: &'static str,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Clone + Send,
    {
        self.write_with(organization, name, None, body).await
    }

    /// As [`Db::write_fenced`], but waits for nobody: whoever shares the work of a run takes another organization.
    ///
    /// # Errors
    /// As [`Db::write_fenced`], and [`Error::Busy`] while another transaction works on the organization.
    pub async fn write_fenced_if_free<T, E, F>(
        &self,
        organization: &OrganizationId,
        name: &'static str,
        fence: Fence,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Clone + Send,
    {
        self.write_with(organization, name, Some(Claim { fence, wait: false }), body).await
    }

    /// Changes one organization on behalf of a job's run, unless the run has lost its lease.
    ///
    /// # Errors
    /// As [`Db::write`], and [`Error::FenceLost`].
    pub async fn write_fenced<T, E, F>(
        &self,
        organization: &OrganizationId,
        name: &'static str,
        fence: Fence,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Clone + Send,
    {
        self.write_with(organization, name, Some(Claim { fence, wait: true }), body).await
    }

    async fn write_with<T, E, F>(
        &self,
        organization: &OrganizationId,
        name: &'static str,
        claim: Option<Claim>,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Clone + Send,
    {
        let span = tracing::info_span!("transaction", otel.name = name, organization = %organization);
        let attempts = async {
            let mut attempt = 1;
            loop {
                match within(self.limits.write, self.try_write(organization, claim, body.clone())).await {
                    Err(error) if error.is_retryable() && attempt < ATTEMPTS => pause(attempt).await,
                    done => return done,
                }
                attempt += 1;
            }
        };
        attempts.instrument(span).await
    }

    async fn try_write<T, E, F>(
        &self,
        organization: &OrganizationId,
        claim: Option<Claim>,
        body: F,
    ) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut WriteTx, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let mut conn = Transacting::new(self.connection().await?);
        begin(&mut conn, "BEGIN").await?;
        let (organization, now) = match lock(&mut conn, organization, claim).await {
            Ok(locked) => locked,
            Err(error) => return Err(rolled_back(&mut conn, error).await.into()),
        };
        let mut tx = WriteTx { read: ReadTx { conn, organization }, now };
        let answer = body(&mut tx).await;
        match answer {
            Ok(value) => {
                commit(&mut tx.read.conn).await?;
                Ok(value)
            }
            Err(error) => Err(rolled_back(&mut tx.read.conn, error).await),
        }
    }

    /// Reads one organization from one snapshot.
    ///
    /// # Errors
    /// What `body` answers, [`Error::OrganizationNotFound`], or a database that fails.
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
            let mut tx = self.snapshot(organization).await?;
            match body(&mut tx).await {
                Ok(value) => {
                    rollback(&mut tx.conn).await;
                    Ok(value)
                }
                Err(error) => Err(rolled_back(&mut tx.conn, error).await),
            }
        };
        within(self.limits.read, reading).instrument(span).await
    }

    /// Opens a snapshot of one organization that lives as long as it is kept: for streams, whose
    /// reader decides when the next part is read. Dropping it gives the connection up.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`], or a database that fails.
    pub async fn snapshot(&self, organization: &OrganizationId) -> Result<ReadTx> {
        let not_found = || Error::OrganizationNotFound(organization.clone());
        let opening = async {
            let mut conn = Transacting::new(self.connection().await?);
            begin(&mut conn, BEGIN_SNAPSHOT).await?;
            let found = organizations::find_by_id(&mut conn, organization).await;
            let organization = match found.and_then(|found| found.ok_or_else(not_found)) {
                Ok(organization) => organization,
                Err(error) => return Err(rolled_back(&mut conn, error).await),
            };
            Ok(ReadTx { conn, organization })
        };
        within(self.limits.statement, opening).await
    }

    /// Runs statements that span organizations: jobs, their runs, reports.
    ///
    /// # Errors
    /// What `body` answers, or a database that fails.
    pub async fn system<T, E, F>(&self, name: &'static str, body: F) -> std::result::Result<T, E>
    where
        E: TxError,
        for<'t> F: TxBody<&'t mut SystemConn, std::result::Result<T, E>, Fut: Send> + Send,
    {
        let span = tracing::debug_span!("transaction", otel.name = name);
        let running = async {
            let mut conn = Transacting::new(self.connection().await?);
            begin(&mut conn, "BEGIN").await?;
            let answer = body(&mut conn).await;
            match answer {
                Ok(value) => {
                    commit(&mut conn).await?;
                    Ok(value)
                }
                Err(error) => Err(rolled_back(&mut conn, error).await),
            }
        };
        within(self.limits.write, running).instrument(span).await
    }

    /// Runs a statement outside of any transaction: for what one statement can read.
    pub(crate) async fn statement<T, F>(&self, body: F) -> Result<T>
    where
        for<'t> F: TxBody<&'t mut SystemConn, Result<T>, Fut: Send> + Send,
    {
        let mut conn = self.connection().await?;
        let limit = self.limits.statement;
        let answering = async {
            match body(&mut conn).await {
                Ok(value) => Ok(value),
                Err(error) => Err(told(&mut conn, error).await),
            }
        };
        let answered = tokio::time::timeout(limit, answering).await;
        answered.unwrap_or_else(|_| {
            // Closed instead of given back: its answer may come yet.
            drop(SystemConn::take(conn));
            Err(silent(limit))
        })
    }

    async fn connection(&self) -> Result<SystemConn> {
        let connecting = async { self.pool.get().await.map_err(|error| Error::Unavailable(error.into())) };
        within(self.limits.connection, connecting).await
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<()> {
        self.statement(async |conn: &mut SystemConn| {
            diesel::sql_query("SELECT 1").execute(conn).await?;
            Ok(())
        })
        .await
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.into())
    }
}
