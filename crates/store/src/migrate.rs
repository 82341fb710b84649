//! Schema migrations: applying them, and checking that none is missing.

use std::{collections::HashSet, time::Duration};

use diesel::{
    migration::{Migration, MigrationSource as _},
    pg::Pg,
    prelude::*,
    sql_types::{Array, Bool, Text},
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::{
    DatabaseRoles, Db, Error, Limits, Result, SystemConn,
    db::{connect_patiently, within},
    protection::protect,
};

/// The schema migrations, in order.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations");

/// The advisory lock of a running schema migration: a number that nothing else in the database uses.
const LOCK: &str = "7026366873";

#[derive(QueryableByName)]
struct Answer {
    #[diesel(sql_type = Bool)]
    holds: bool,
}

/// An index that an interrupted schema migration has left.
#[derive(QueryableByName)]
struct LeftIndex {
    /// The name, quoted.
    #[diesel(sql_type = Text)]
    name: String,
    /// Whether a session builds the index.
    #[diesel(sql_type = Bool)]
    in_progress: bool,
}

diesel::table! {
    /// The table of the migration harness.
    __diesel_schema_migrations (version) {
        /// The version of an applied schema migration.
        version -> Text,
    }
}

/// The same as [`run_for_roles`], for roles with the default names.
///
/// # Errors
/// [`Error::Internal`] when a command fails.
pub async fn run(url: &str) -> Result<Vec<String>> {
    run_for_roles(url, &DatabaseRoles::default()).await
}

/// Applies the missing schema migrations, protects the rows of each organization, and gives the database roles that exist
/// their privileges. Returns the names of the schema migrations. Processes that do this at the same time wait for each
/// other. Needs a multi-threaded runtime.
///
/// # Errors
/// [`Error::Internal`] when a command fails.
pub async fn run_for_roles(url: &str, roles: &DatabaseRoles) -> Result<Vec<String>> {
    let mut conn = connect(url).await?;
    // Poll: a blocking lock and CREATE INDEX CONCURRENTLY would wait for each other.
    let locking = format!("SELECT pg_try_advisory_lock({LOCK}) AS holds");
    loop {
        let row: Answer = diesel::sql_query(&locking).get_result(&mut conn).await?;
        if row.holds {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    conn.batch_execute("SET lock_timeout = '10s'").await?;
    drop_invalid_indexes(&mut conn).await?;
    drop_unrecorded_indexes(&mut conn).await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = harness.run_pending_migrations(MIGRATIONS).map_err(Error::Internal)?;
    let applied: Vec<String> = applied.iter().map(ToString::to_string).collect();
    protect(&mut harness.into_inner(), roles).await?;
    Ok(applied)
}

/// Drops the indexes that interrupted schema migrations have left. `CREATE INDEX CONCURRENTLY` is not in a transaction:
/// when it is killed, or waits too long for a lock, an invalid index with its name remains. The schema migration is still
/// missing, and would fail because the name exists.
async fn drop_invalid_indexes(conn: &mut AsyncPgConnection) -> Result<()> {
    let invalid = "SELECT format('%I', c.relname) AS name,
            EXISTS (SELECT FROM pg_stat_progress_create_index AS p WHERE p.index_relid = i.indexrelid) AS in_progress
        FROM pg_index AS i
        INNER JOIN pg_class AS c ON c.oid = i.indexrelid
        WHERE c.relnamespace = 'public'::regnamespace AND NOT i.indisvalid";
    let left = loop {
        let found: Vec<LeftIndex> = diesel::sql_query(invalid).load(conn).await?;
        // A session that was interrupted may still be ending.
        let Some(building) = found.iter().find(|index| index.in_progress) else { break found };
        tracing::debug!(index = building.name, "waiting for a session that builds an index");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    for LeftIndex { name, .. } in left {
        tracing::warn!(index = name, "dropping an index that an interrupted schema migration has left");
        conn.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}")).await?;
    }
    Ok(())
}

/// Drops the complete indexes of schema migrations that are not recorded: the process ended after `CREATE INDEX
/// CONCURRENTLY` and before it recorded the schema migration, which would now fail because the name exists. The schema
/// migration builds the index again, because an index with this name may have another definition.
async fn drop_unrecorded_indexes(conn: &mut AsyncPgConnection) -> Result<()> {
    let applied = list_applied(conn).await?;
    let unrecorded = concurrent_indexes().filter(|(version, _)| !applied.contains(*version));
    let names: Vec<&str> = unrecorded.map(|(_, index)| index).collect();
    let complete = "SELECT format('%I', c.relname) AS name, FALSE AS in_progress FROM pg_class AS c
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('i', 'I') AND c.relname = ANY($1)";
    let found: Vec<LeftIndex> = diesel::sql_query(complete).bind::<Array<Text>, _>(names).load(conn).await?;
    for LeftIndex { name, .. } in found {
        tracing::warn!(index = name, "dropping an index whose schema migration was not recorded; it is built again");
        conn.batch_execute(&format!("DROP INDEX CONCURRENTLY {name}")).await?;
    }
    Ok(())
}

/// Returns the schema migrations that build an index concurrently: the version of each with the name of the index.
fn concurrent_indexes() -> impl Iterator<Item = (&'static str, &'static str)> {
    env!("ROLLCALL_CONCURRENT_INDEXES").split(',').filter_map(|entry| entry.split_once('='))
}

/// Returns the versions of the applied schema migrations. This only reads, while the migration harness would create its
/// table.
async fn list_applied(conn: &mut AsyncPgConnection) -> Result<HashSet<String>> {
    let exists = "SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS holds";
    let exists: Answer = diesel::sql_query(exists).get_result(conn).await?;
    if !exists.holds {
        return Ok(HashSet::new());
    }
    let applied: Vec<String> =
        __diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(conn).await?;
    Ok(applied.into_iter().collect())
}

/// Checks that no schema migration is missing. This only reads.
///
/// # Errors
/// [`Error::Internal`] with the name of the first missing migration.
pub async fn check(db: &Db) -> Result<()> {
    let applied = db.system("check_migrations", async |conn: &mut SystemConn| list_applied(conn).await).await?;
    let known: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(Error::Internal)?;
    match known.iter().find(|migration| !applied.contains(&migration.name().version().to_string())) {
        None => Ok(()),
        Some(first) => {
            let text =
                format!("the database lacks the schema migration {}; run `rollcall migrate` first", first.name());
            Err(Error::Internal(text.into()))
        }
    }
}

/// Creates a database on a server, unless it exists.
///
/// # Errors
/// [`Error::Internal`] when the database role may not create databases.
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

/// A hash of the content of all migrations and of the row-level security: a template database with another hash is outdated.
pub const SCHEMA_HASH: &str = env!("ROLLCALL_SCHEMA_HASH");
