//! Bringing the schema up to this binary's, and refusing to work on another one.

use std::{collections::HashSet, time::Duration};

use diesel::{
    QueryableByName,
    migration::{Migration, MigrationSource as _},
    pg::Pg,
    sql_types::{Bool, Text},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    Db, Error, Limits, Result, SystemConn,
    db::{connect_patiently, within},
};

/// Every migration, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// Any number will do, as long as nothing else in the database uses it.
const LOCK: &str = "7026366873";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    holds: bool,
}

#[derive(QueryableByName)]
struct Applied {
    #[diesel(sql_type = Text)]
    version: String,
}

/// Applies the migrations that are missing and returns their names. Processes that migrate at
/// the same time wait for each other. Needs a multi-threaded runtime.
///
/// # Errors
/// A database that cannot be reached, or a migration that fails.
pub async fn run(url: &str) -> Result<Vec<String>> {
    let mut conn = connect(url).await?;
    // Polled, because a blocking lock and CREATE INDEX CONCURRENTLY would wait for each other.
    let locking = format!("SELECT pg_try_advisory_lock({LOCK}) AS holds");
    loop {
        let row: Answer = diesel::sql_query(&locking).get_result(&mut conn).await?;
        if row.holds {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    conn.batch_execute("SET lock_timeout = '10s'").await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(Error::Internal)?;
    Ok(applied.iter().map(ToString::to_string).collect())
}

/// Checks that no migration is missing. Reading is all it takes: the harness's own look would make its table.
///
/// # Errors
/// [`Error::Internal`] that names the first one missing, or a database that cannot be reached.
pub async fn check(db: &Db) -> Result<()> {
    let applied = db
        .system("check_migrations", async |conn: &mut SystemConn| {
            let there = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS holds";
            let there: Answer = diesel::sql_query(there).get_result(conn).await?;
            if !there.holds {
                return Ok(Vec::new());
            }
            let applied = "SELECT version::text AS version FROM __diesel_schema_migrations";
            diesel::sql_query(applied).load::<Applied>(conn).await.map_err(Error::from)
        })
        .await?;
    let applied: HashSet<String> = applied.into_iter().map(|row| row.version).collect();
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(Error::Internal)?;
    match known.iter().find(|migration| !applied.contains(&migration.name().version().to_string())) {
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
    let row: Answer = diesel::sql_query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1) AS holds")
        .bind::<Text, _>(name)
        .get_result(&mut conn)
        .await?;
    if !row.holds {
        let quoted = name.replace('"', "\"\"");
        conn.batch_execute(&format!("CREATE DATABASE \"{quoted}\"")).await?;
    }
    Ok(())
}

async fn connect(url: &str) -> Result<AsyncPgConnection> {
    let connecting = async { connect_patiently(url).await.map_err(|error| Error::Unavailable(error.into())) };
    within(Limits::default().connection, connecting).await
}

/// A hash of every migration's content: a template database is good for as long as it stays.
pub const SCHEMA_HASH: &str = env!("ROLLCALL_SCHEMA_HASH");
