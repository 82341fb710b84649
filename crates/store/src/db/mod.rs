//! The pool, and the only ways to open a transaction.

mod body;
mod clock;
mod connect;

use std::time::Duration;

use deadpool::Runtime;

use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, RunQueryDsl, TransactionManager,
    pooled_connection::{
        AsyncDieselConnectionManager, ManagerConfig, PoolError,
        deadpool::{Object, Pool},
    },
};
use rollcall_domain::{OrganizationId, Timestamp};
use tracing::Instrument as _;
use uuid::Uuid;

pub use body::{TxBody, TxError};
pub(crate) use clock::clock;

use crate::{
    Error, Result,
    organizations::{self, Organization},
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
            .wait_timeout(Some(Duration::from_secs(10)))
            .create_timeout(Some(Duration::from_secs(10)))
            .recycle_timeout(Some(Duration::from_secs(10)))
            .build()
            .map_err(|error| Error::Internal(error.into()))?;
        Ok(Self { pool })
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
            for attempt in 1..ATTEMPTS {
                match self.try_write(organization, claim, body.clone()).await {
                    Err(error) if error.is_retryable() => pause(attempt).await,
                    done => return done,
                }
            }
            self.try_write(organization, claim, body.clone()).await
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
            Err(error) => {
                rollback(&mut conn).await;
                return Err(error.into());
            }
        };
        let mut tx = WriteTx { read: ReadTx { conn, organization }, now };
        let answer = body(&mut tx).await;
        match answer {
            Ok(value) => {
                commit(&mut tx.read.conn).await?;
                Ok(value)
            }
            Err(error) => {
                rollback(&mut tx.read.conn).await;
                Err(error)
            }
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
            let answer = body(&mut tx).await;
            rollback(&mut tx.conn).await;
            answer
        };
        reading.instrument(span).await
    }

    /// Opens a snapshot of one organization that lives as long as it is kept: for streams, whose
    /// reader decides when the next part is read. Dropping it gives the connection up.
    ///
    /// # Errors
    /// [`Error::OrganizationNotFound`], or a database that fails.
    pub async fn snapshot(&self, organization: &OrganizationId) -> Result<ReadTx> {
        let mut conn = Transacting::new(self.connection().await?);
        begin(&mut conn, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let Some(organization) = organizations::find_by_id(&mut conn, organization).await? else {
            rollback(&mut conn).await;
            return Err(Error::OrganizationNotFound(organization.clone()));
        };
        Ok(ReadTx { conn, organization })
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
                Err(error) => {
                    rollback(&mut conn).await;
                    Err(error)
                }
            }
        };
        running.instrument(span).await
    }

    /// A connection outside of any transaction: for the one statement of a hot path.
    pub(crate) async fn connection(&self) -> Result<SystemConn> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.into()))
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn ping(&self) -> Result<()> {
        let mut conn = self.connection().await?;
        diesel::sql_query("SELECT 1").execute(&mut conn).await?;
        Ok(())
    }
}

async fn begin(conn: &mut AsyncPgConnection, sql: &str) -> Result<()> {
    Ok(AnsiTransactionManager::begin_transaction_sql(conn, sql).await?)
}

async fn commit(conn: &mut AsyncPgConnection) -> Result<()> {
    Ok(AnsiTransactionManager::commit_transaction(conn).await?)
}

/// A rollback that fails leaves a connection that the pool throws away: the transaction is gone
/// either way, and the first error is the one to tell.
async fn rollback(conn: &mut AsyncPgConnection) {
    if let Err(error) = AnsiTransactionManager::rollback_transaction(conn).await {
        tracing::debug!(%error, "rollback failed");
    }
}

async fn lock(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    claim: Option<Claim>,
) -> Result<(Organization, Timestamp)> {
    let organization = if claim.is_none_or(|claim| claim.wait) {
        let found = organizations::lock_by_id(conn, organization).await?;
        found.ok_or_else(|| Error::OrganizationNotFound(organization.clone()))?
    } else {
        organizations::lock_by_id_if_free(conn, organization).await?.ok_or(Error::Busy)?
    };
    if let Some(claim) = claim {
        crate::jobs::check_fence(conn, claim.fence).await?;
    }
    let now = clock(conn).await?.max(organization.last_write_at);
    Ok((organization, now))
}

async fn pause(attempt: u32) {
    let limit = 10 * (1 << attempt);
    tokio::time::sleep(Duration::from_millis(rand::random_range(1..=limit))).await;
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.into())
    }
}
