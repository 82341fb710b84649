//! The connection pool, and when a session leaves it.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use deadpool::{
    Runtime,
    managed::{Hook, HookError, Metrics, QueueMode, WeakPool},
};
use diesel_async::{
    AsyncPgConnection, RunQueryDsl as _,
    pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, PoolError, RecyclingMethod, deadpool::Pool},
};
use tokio::runtime::Handle;

use super::{
    ConnectionShares,
    address::DatabaseAddress,
    connect,
    limits::{CHECK, SESSION_AGE, within},
};
use crate::{Error, Result};

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// A `postgres://` URL.
    pub url: String,
    /// At most this many connections.
    pub connections: usize,
    /// How the connections are divided.
    pub shares: ConnectionShares,
}

impl Options {
    /// Connects to this URL with at most this many connections, divided by default.
    #[must_use]
    pub fn new(url: impl Into<String>, connections: usize) -> Self {
        Self { url: url.into(), connections, shares: ConnectionShares::default() }
    }
}

diesel::define_sql_function! { fn current_setting(name: diesel::sql_types::Text) -> diesel::sql_types::Text; }

/// Opens a pool. It connects when a connection is needed, and then resolves the host's name again.
///
/// A session leaves the pool:
/// * when the client knows that the connection is closed;
/// * when a test fails or finds that the session is read-only. A session is tested before it is used, for the first time
///   in each second of its age: the client may not know yet that the database has ended an idle session, and the server
///   may have become read-only because another one took over from it;
/// * at [`SESSION_AGE`], also when it is never used: its server may have been replaced.
pub(super) fn open(address: &DatabaseAddress, connections: usize) -> Result<Pool<AsyncPgConnection>> {
    open_with_age(address, connections, SESSION_AGE)
}

/// Parses the URL of a database.
///
/// # Errors
/// [`Error::Unavailable`] when the URL is not valid.
pub(super) fn parse_url(url: &str) -> Result<DatabaseAddress> {
    url.parse().map_err(|error| Error::Unavailable(format!("DATABASE_URL is not a valid URL: {error}").into()))
}

fn open_with_age(address: &DatabaseAddress, connections: usize, age: Duration) -> Result<Pool<AsyncPgConnection>> {
    let mut config = ManagerConfig::default();
    config.recycling_method = RecyclingMethod::Fast;
    let address = address.clone();
    config.custom_setup = Box::new(move |_url| Box::pin(connect::connect(address.clone())));
    // The address stands for the URL, which the driver could not read.
    let manager = AsyncDieselConnectionManager::new_with_config("", config);
    let lifetime = Lifetime { mean: age, jitter: RandomState::new() };
    let limit = lifetime.clone();
    let pool = Pool::builder(manager)
        .max_size(connections)
        // The connection that was used last is the least likely to need a test, and has prepared the most statements.
        .queue_mode(QueueMode::Lifo)
        .runtime(Runtime::Tokio1)
        .pre_recycle(Hook::sync_fn(move |_, metrics| match limit.is_over(metrics) {
            true => Err(HookError::message("the session is too old")),
            false => Ok(()),
        }))
        .pre_recycle(Hook::async_fn(|conn: &mut AsyncPgConnection, metrics| {
            Box::pin(async move {
                if is_tested(metrics.age(), metrics.last_used()) {
                    return Ok(());
                }
                within(CHECK, test(conn)).await.map_err(|error| HookError::message(error.to_string()))
            })
        }))
        .build()
        .map_err(|error| Error::Internal(error.into()))?;
    // Only a pool within a runtime can connect.
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(retire_unused(pool.weak(), lifetime));
    }
    Ok(pool)
}

/// Returns whether a session of this age was used earlier in the same second of its age. It was tested then.
fn is_tested(age: Duration, last_used: Duration) -> bool {
    age.as_secs() == age.saturating_sub(last_used).as_secs()
}

/// Checks that a session answers and can write.
async fn test(conn: &mut AsyncPgConnection) -> Result<()> {
    let read_only: String = diesel::select(current_setting("transaction_read_only")).get_result(conn).await?;
    match read_only.as_str() {
        "off" => Ok(()),
        _ => Err(Error::Unavailable("the session is read-only".into())),
    }
}

/// How long sessions live: up to a tenth more or less than the mean, so that they are not all replaced together.
#[derive(Clone)]
struct Lifetime {
    mean: Duration,
    jitter: RandomState,
}

impl Lifetime {
    fn is_over(&self, metrics: &Metrics) -> bool {
        let percent = 90 + self.jitter.hash_one(metrics.created) % 21;
        metrics.age() >= self.mean.mul_f64(percent as f64 / 100.0)
    }
}

/// Closes sessions that have reached their age and that nobody uses, until the pool is dropped. The pool prefers the
/// sessions that were used last, so it would keep the others for ever.
async fn retire_unused(pool: WeakPool<AsyncDieselConnectionManager<AsyncPgConnection>>, lifetime: Lifetime) {
    loop {
        tokio::time::sleep(lifetime.mean / 30).await;
        let Some(pool) = pool.upgrade() else { return };
        pool.retain(|_, metrics| !lifetime.is_over(&metrics));
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(error.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use rollcall_testkit::TestDatabase;

    use super::*;

    const LONG: Duration = Duration::from_secs(24 * 3600);

    fn pool(database: &TestDatabase, age: Duration) -> Pool<AsyncPgConnection> {
        open_with_age(&database.url().parse().unwrap(), 4, age).unwrap()
    }

    diesel::define_sql_function! { fn pg_backend_pid() -> diesel::sql_types::Integer; }

    async fn pid(pool: &Pool<AsyncPgConnection>) -> i32 {
        diesel::select(pg_backend_pid()).get_result(&mut pool.get().await.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn a_session_is_used_until_its_age_and_then_replaced() {
        let database = TestDatabase::new().await;
        let (durable, ephemeral) = (pool(&database, LONG), pool(&database, Duration::from_nanos(1)));
        let (mut same, mut new) = (BTreeSet::new(), BTreeSet::new());
        for _ in 0..5 {
            same.insert(pid(&durable).await);
            new.insert(pid(&ephemeral).await);
        }
        assert_eq!((same.len(), new.len()), (1, 5));
    }

    #[tokio::test]
    async fn a_session_that_is_not_used_leaves_the_pool_at_its_age() {
        let database = TestDatabase::new().await;
        let pool = pool(&database, Duration::from_millis(30));
        let all = [pool.get().await.unwrap(), pool.get().await.unwrap()];
        drop(all);
        let left = async {
            while pool.status().size > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), left).await.expect("a session stays");
    }

    #[test]
    fn ages_differ_by_a_fifth_at_most() {
        let lifetime = Lifetime { mean: Duration::from_secs(100), jitter: RandomState::new() };
        let now = std::time::Instant::now();
        let over = |age: u64| {
            let created = (0..1000).map(|n| now - Duration::from_secs(age) - Duration::from_nanos(n));
            created.filter(|created| lifetime.is_over(&Metrics { created: *created, ..Metrics::default() })).count()
        };
        assert_eq!((over(89), over(111)), (0, 1000));
        assert!((100..900).contains(&over(100)), "{}", over(100));
    }

    #[test]
    fn a_session_is_tested_in_each_second_in_which_it_is_used() {
        let tested = |age, last_used| is_tested(Duration::from_millis(age), Duration::from_millis(last_used));
        assert!(tested(1999, 999) && tested(500, 500) && tested(0, 0));
        assert!(!tested(1999, 1000) && !tested(2000, 1) && !tested(60_000, 5000));
    }
}
