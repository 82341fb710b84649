//! The migrated schema: it can be distributed by organization, equals `schema.rs`, and is reverted by its `down.sql`
//! files.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use diesel_async::{AsyncConnection as _, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::MigrationHarness as _;
use rollcall_store::migrate::MIGRATIONS;
use rollcall_testkit::TestDatabase;
use tokio_postgres::Client;

/// Returns every column of every table as `table.column type null`.
async fn columns(client: &Client) -> Vec<String> {
    let sql = "SELECT format('%s.%s %s%s', table_name, column_name, udt_name, \
                   CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END) \
               FROM information_schema.columns \
               WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations' \
                   AND table_name NOT LIKE 'citus\\_%' \
               ORDER BY table_name, ordinal_position";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Returns every index and constraint in the notation of Postgres.
async fn definitions(client: &Client) -> Vec<String> {
    let sql = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' \
               UNION ALL \
               SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) \
               FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
               ORDER BY 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn the_schema_can_be_distributed_by_organization() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let breaches = client.query(include_str!("distributable.sql"), &[]).await.unwrap();
    let breaches: Vec<(String, String)> = breaches.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(breaches, []);
}

#[tokio::test]
async fn the_check_finds_a_table_that_cannot_be_distributed() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let wrong = "CREATE TABLE wrong (id serial PRIMARY KEY, organization_id text NOT NULL)";
    client.batch_execute(wrong).await.unwrap();
    assert_ne!(client.query(include_str!("distributable.sql"), &[]).await.unwrap().len(), 0);
}

#[tokio::test]
async fn schema_rs_equals_the_migrated_schema() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let mut migrated: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in columns(&client).await {
        let (table, column) = column.split_once('.').unwrap();
        migrated.entry(table.to_owned()).or_default().push(column.to_owned());
    }
    let written = written_tables(include_str!("../src/schema.rs"));
    assert!(written.len() >= 8, "schema.rs could not be read");
    for (table, columns) in written {
        assert_eq!(migrated.get(&table), Some(&columns), "{table}");
    }
}

/// Reads the `table!` macros: each table with its columns in the format of [`columns`].
fn written_tables(schema: &str) -> BTreeMap<String, Vec<String>> {
    let mut tables = BTreeMap::new();
    let mut table = String::new();
    for line in schema.lines().map(str::trim) {
        if let Some((column, sql_type)) = line.trim_end_matches(',').split_once(" -> ") {
            let (inner, null) = match sql_type.strip_prefix("Nullable<").and_then(|rest| rest.strip_suffix('>')) {
                Some(inner) => (inner, " null"),
                None => (sql_type, ""),
            };
            let udt = match inner {
                "Text" => "text",
                "Array<Text>" => "_text",
                "Uuid" => "uuid",
                "Integer" => "int4",
                "BigInt" => "int8",
                "Bool" => "bool",
                "Json" => "json",
                "Jsonb" => "jsonb",
                "Bytea" => "bytea",
                "Timestamptz" => "timestamptz",
                other => panic!("{other} is not known to this test"),
            };
            tables.entry(table.clone()).or_insert_with(Vec::new).push(format!("{column} {udt}{null}"));
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            name.clone_into(&mut table);
        }
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn every_schema_migration_is_reverted_by_its_down_and_can_be_applied_again() {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    let before = (columns(&client).await, definitions(&client).await);

    let connection = AsyncPgConnection::establish(&database.owner_url()).await.unwrap();
    let mut harness = AsyncMigrationHarness::new(connection);
    harness.revert_all_migrations(MIGRATIONS).unwrap();
    assert_eq!(columns(&client).await, Vec::<String>::new());

    harness.run_pending_migrations(MIGRATIONS).unwrap();
    assert_eq!((columns(&client).await, definitions(&client).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_schema_migrations_wait_for_each_other() {
    let database = TestDatabase::undistributed().await;
    let connection = AsyncPgConnection::establish(&database.owner_url()).await.unwrap();
    AsyncMigrationHarness::new(connection).revert_all_migrations(MIGRATIONS).unwrap();
    let (url, roles) = (database.owner_url(), database.roles().clone());
    let run = || {
        tokio::spawn({
            let (url, roles) = (url.clone(), roles.clone());
            async move { rollcall_store::migrate::run_for_roles(&url, &roles).await.unwrap().len() }
        })
    };
    let (a, b, c) = (run(), run(), run());
    let mut applied = [a.await.unwrap(), b.await.unwrap(), c.await.unwrap()];
    applied.sort_unstable();
    assert_eq!(applied[..2], [0, 0]);
    assert_ne!(applied[2], 0);
    rollcall_store::migrate::check(&database.db()).await.unwrap();
}

/// When a schema migration is interrupted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// While it waits for a lock on a table that it changes.
    Statement,
    /// When it is about to be recorded. An index that is built concurrently is complete by then.
    Record,
}

impl Moment {
    /// Returns the statement that locks what the schema migration needs; `None` if there is no table yet.
    async fn lock(self, client: &Client) -> Option<String> {
        if self == Self::Record {
            return Some("BEGIN; LOCK TABLE __diesel_schema_migrations IN SHARE MODE".to_owned());
        }
        let tables = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables
            WHERE schemaname = 'public' AND tablename <> '__diesel_schema_migrations'";
        let tables: Option<String> = client.query_one(tables, &[]).await.unwrap().get(0);
        tables.map(|tables| format!("BEGIN; LOCK TABLE {tables} IN ROW EXCLUSIVE MODE"))
    }
}

/// Interrupts a schema migration at a moment. Returns its error, or `None` if no migration waited.
async fn interrupt(database: &TestDatabase, moment: Moment) -> Option<rollcall_store::Error> {
    let holder = database.client().await;
    // Only a session that waits for the holder: CREATE INDEX CONCURRENTLY also waits for each short statement of others.
    // The id is read before the transaction, which then has no snapshot for which the index would wait.
    let pid: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    if let Some(lock) = moment.lock(&holder).await {
        holder.batch_execute(&lock).await.unwrap();
    }
    let administrator = database.client().await;
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
    let terminating = async { while administrator.query(terminate, &[&pid]).await.unwrap().is_empty() {} };
    let (url, roles) = (database.owner_url(), database.roles().clone());
    // In a task of its own, because the harness blocks its thread.
    let mut running = tokio::spawn(async move { rollcall_store::migrate::run_for_roles(&url, &roles).await });
    tokio::select! {
        applied = &mut running => applied.unwrap().err(),
        () = terminating => running.await.unwrap().err(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_schema_migration_can_be_run_again() {
    let (interrupted, left, count) = interrupt_each(Moment::Statement, "NOT indisvalid").await;
    assert!(interrupted > count / 2 && left > 5, "{interrupted} of {count}, {left} invalid indexes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_migration_whose_record_was_interrupted_can_be_run_again() {
    // The other complete indexes belong to recorded schema migrations.
    let (interrupted, left, count) = interrupt_each(Moment::Record, "indisvalid").await;
    let migrations = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let concurrent = std::fs::read_dir(migrations).unwrap().filter(|folder| {
        let metadata = folder.as_ref().unwrap().path().join("metadata.toml");
        std::fs::read_to_string(metadata).is_ok_and(|text| text.contains("run_in_transaction = false"))
    });
    // Each migration that is not a transaction has built its index, which was not recorded.
    assert_eq!((interrupted, left), (count, concurrent.count()));
}

/// Interrupts each schema migration at a moment, and then runs all of them. Returns how many were interrupted, how many
/// indexes of a kind these have left, and how many schema migrations there are.
async fn interrupt_each(moment: Moment, kind: &str) -> (usize, usize, usize) {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    let before = (columns(&client).await, definitions(&client).await);
    let connect =
        async || AsyncMigrationHarness::new(AsyncPgConnection::establish(&database.owner_url()).await.unwrap());
    let count = connect().await.applied_migrations().unwrap().len();
    let indexes = async |kind: &str| {
        let sql = format!(
            "SELECT FROM pg_index WHERE {kind} AND indexrelid IN
                (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
        );
        client.query(&sql, &[]).await.unwrap().len()
    };
    let (mut interrupted, mut left) = (0, 0);
    // Each round begins with one migration more.
    for applied in 0..count {
        let mut harness = connect().await;
        harness.revert_all_migrations(MIGRATIONS).unwrap();
        for _ in 0..applied {
            harness.run_next_migration(MIGRATIONS).unwrap();
        }
        drop(harness);
        let recorded = indexes(kind).await;
        interrupted += usize::from(interrupt(&database, moment).await.is_some());
        left += indexes(kind).await - recorded;
        rollcall_store::migrate::run_for_roles(&database.owner_url(), database.roles()).await.unwrap();
        assert_eq!((columns(&client).await, definitions(&client).await), before, "after {applied} migrations");
        assert_eq!(indexes("NOT indisvalid").await, 0, "after {applied} migrations");
    }
    (interrupted, left, count)
}
