//! Bringing the schema up to this binary's, and refusing to work on another one.

use std::time::Duration;

use diesel::{QueryableByName, sql_types::Bool};
use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{Db, Error, Result};

/// Every migration, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number will do, as long as nothing else in the database uses it.
const LOCK: &str = "7026366873";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Applies the migrations that are missing and returns their names. Processes that migrate at
/// the same time wait for each other. Needs a multi-threaded runtime.
///
/// # Errors
/// A database that cannot be reached, or a migration that fails.
pub async fn run(url: &str) -> Result<Vec<String>> {
    let mut conn = connect(url).await?;
    // Polled, because a blocking lock and CREATE INDEX CONCURRENTLY would wait for each other.
    let locking = format!("SELECT pg_try_advisory_lock({LOCK}) AS locked");
    loop {
        let row: Locked = diesel::sql_query(&locking).get_result(&mut conn).await?;
        if row.locked {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    conn.batch_execute("SET lock_timeout = '10s'").await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(Error::Internal)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Checks that no migration is missing.
///
/// # Errors
/// [`Error::Internal`] that names the first one missing, or a database that cannot be reached.
pub async fn check(db: &Db) -> Result<()> {
    let conn = db.connection().await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let pending = harness.pending_migrations(MIGRATIONS).map_err(Error::Internal)?;
    match pending.as_slice().first() {
        None => Ok(()),
        Some(first) => {
            let text = format!("the database lacks the migration {}; run `rollcall migrate` first", first.name());
            Err(Error::Internal(text.into()))
        }
    }
}

/// Creates a database on a server unless it is there.
///
/// # Errors
/// A server that cannot be reached, or that does not allow it.
pub async fn ensure_database(server_url: &str, name: &str) -> Result<()> {
    let mut conn = connect(server_url).await?;
    let row: Locked = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS locked")
        .bind::<diesel::sql_types::Text, _>(name)
        .get_result(&mut conn)
        .await?;
    if !row.locked {
        let quoted = name.replace('"', "\"\"");
        conn.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<AsyncPgConnection> {
    AsyncPgConnection::establish(url).await.map_err(|error| Error::Unavailable(error.into()))
}

/// A hash of every migration's content: a template database is good for as long as it stays.
pub const SCHEMA_HASH: &str = env!("ROLLCALL_SCHEMA_HASH");
