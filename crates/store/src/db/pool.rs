//! The connection pool.

use std::time::Duration;

use deadpool::{
    Runtime,
    managed::{Hook, HookError, QueueMode},
};
use diesel_async::{
    AsyncPgConnection, SimpleAsyncConnection as _,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod, deadpool::Pool},
};

use super::{
    connect,
    limits::{CHECK, within},
};
use crate::{Error, Result};

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// A `postgres://` URL.
    pub url: String,
    /// At most this many connections.
    pub connections: usize,
}

/// A connection is used without a test if its last use began less than this long ago.
const TESTED_AFTER: Duration = Duration::from_secs(1);

/// Opens a pool. It connects when a connection is needed.
///
/// A connection that the client knows to be closed is replaced. The client may not know yet that the database has ended
/// an idle connection, so a connection whose last use began more than a second ago first runs a test statement.
pub(super) fn open(options: &Options) -> Result<Pool<AsyncPgConnection>> {
    options
        .url
        .parse::<tokio_postgres::Config>()
        .map_err(|error| Error::Unavailable(format!("DATABASE_URL is not a valid URL: {error}").into()))?;
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    config.custom_setup = Box::new(|url| Box::pin(connect::connect(url.to_owned())));
    let manager = AsyncDieselConnectionManager::new_with_config(options.url.as_str(), config);
    Pool::builder(manager)
        .max_size(options.connections)
        // The connection that was used last is the least likely to need a test, and has prepared the most statements.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .pre_recycle(Hook::async_fn(|conn: &mut AsyncPgConnection, metrics| {
            Box::pin(async move {
                if metrics.last_used() < TESTED_AFTER {
                    return Ok(());
                }
                let test = async { conn.batch_execute("SELECT 1").await.map_err(Error::from) };
                within(CHECK, test).await.map_err(|error| HookError::message(error.to_string()))
            })
        }))
        .build()
        .map_err(|error| Error::Internal(error.into()))
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.into())
    }
}
