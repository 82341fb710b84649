//! Schema migrations that run after `migrations/distribute.sql`: they run on a distributed database, and distribute the
//! tables that they create (migrations/README.md).

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use std::{collections::BTreeMap, fs, path::Path};

use rollcall_testkit::TestDatabase;
use sqlparser::{
    ast::{AlterColumnOperation, AlterTableOperation, ObjectName, Statement},
    dialect::PostgreSqlDialect,
    parser::Parser,
};

/// The newest migration that ran before a database could be distributed.
const BEFORE_DISTRIBUTION: &str = "2026-11-27-000080";

/// Returns the texts of a script (`up.sql` or `down.sql`) of all migrations after one, by the name of the migration.
fn scripts(script: &str, after: &str) -> BTreeMap<String, String> {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    let folders = fs::read_dir(migrations).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path.join(script)).unwrap())
    };
    folders.map(read).filter(|(name, _)| &name[..after.len()] > after).collect()
}

/// Returns the breaches of the rules in scripts that run one after the other.
fn breaches<'a>(scripts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let (mut breaches, mut to_distribute) = (Vec::new(), Vec::<String>::new());
    for (name, sql) in scripts {
        if sql.lines().any(|line| line.trim_start().starts_with("DO ")) {
            // The parser does not read DO blocks.
            let distributed = |table: &String| sql.contains(&format!("create_distributed_table('{table}',"));
            to_distribute.retain(|table| !distributed(table));
            continue;
        }
        // The parser does not know this option of DROP INDEX.
        let sql = sql.replace("DROP INDEX CONCURRENTLY", "DROP INDEX");
        let Ok(statements) = Parser::parse_sql(&PostgreSqlDialect {}, &sql) else {
            breaches.push(format!("{name} cannot be read by this test"));
            continue;
        };
        if statements.len() != 1 {
            breaches.push(format!("{name} has {} statements", statements.len()));
        }
        for statement in &statements {
            match statement {
                Statement::CreateTable(create)
                    if create.columns.iter().any(|column| column.name.value == "organization_id") =>
                {
                    to_distribute.push(create.name.to_string());
                }
                Statement::AlterTable(alter) => {
                    let known = to_distribute.contains(&alter.name.to_string());
                    breaches
                        .extend(unsupported(&alter.name, &alter.operations, known).map(|why| format!("{name}: {why}")));
                }
                _ => {}
            }
        }
    }
    breaches.extend(to_distribute.into_iter().map(|table| format!("no migration distributes the table {table}")));
    breaches
}

/// Returns why Citus refuses a change of a table. `local` tables are not distributed yet.
fn unsupported(table: &ObjectName, operations: &[AlterTableOperation], local: bool) -> Option<String> {
    let adds = operations.iter().any(|operation| matches!(operation, AlterTableOperation::AddConstraint { .. }));
    if adds && operations.len() > 1 {
        return Some(format!("ADD CONSTRAINT on {table} together with other changes"));
    }
    let changes_column = |operation: &AlterTableOperation| match operation {
        AlterTableOperation::AlterColumn { op, .. } => !matches!(
            op,
            AlterColumnOperation::SetNotNull
                | AlterColumnOperation::DropNotNull
                | AlterColumnOperation::SetDefault { .. }
                | AlterColumnOperation::DropDefault
                | AlterColumnOperation::SetDataType { .. }
        ),
        _ => false,
    };
    let refused = !local && operations.iter().any(changes_column);
    refused.then(|| format!("a change of a column of {table} that Citus does not support"))
}

#[test]
fn later_migrations_run_on_a_distributed_database() {
    for script in ["up.sql", "down.sql"] {
        let scripts = scripts(script, BEFORE_DISTRIBUTION);
        let mut in_order: Vec<_> = scripts.iter().map(|(name, sql)| (name.as_str(), sql.as_str())).collect();
        if script == "down.sql" {
            in_order.reverse();
        }
        assert_eq!(breaches(in_order), Vec::<String>::new(), "{script}");
    }
}

/// Earlier migrations break the rules, which shows that the check reads real scripts.
#[test]
fn breaches_are_found() {
    let earlier = scripts("up.sql", "2026-11-22-000050");
    let found = breaches(earlier.iter().map(|(name, sql)| (name.as_str(), sql.as_str())));
    assert!(found.iter().any(|breach| breach.contains("000052") && breach.contains("ADD CONSTRAINT")), "{found:?}");

    let table = "CREATE TABLE new_table (organization_id text NOT NULL, id text NOT NULL)";
    let recipe = recipe();
    assert_eq!(breaches([("a", table), ("b", recipe.as_str())]), Vec::<String>::new());
    assert_eq!(breaches([("a", table)]), ["no migration distributes the table new_table"]);
    assert_eq!(breaches([("a", "SELECT 1; SELECT 2")]), ["a has 2 statements"]);
    assert_eq!(breaches([("a", "MAKE TABLE x")]), ["a cannot be read by this test"]);
}

/// Returns the statement of migrations/README.md that distributes a new table.
fn recipe() -> String {
    let page = include_str!("../../../migrations/README.md");
    let (_, rest) = page.split_once("```sql\n").unwrap();
    rest.split_once("```").unwrap().0.to_owned()
}

#[tokio::test]
async fn a_new_table_is_distributed_where_the_database_is() {
    let database = TestDatabase::new().await;
    let client = database.client().await;
    let create = "CREATE TABLE new_table (
        organization_id text COLLATE \"C\" NOT NULL, id text COLLATE \"C\" NOT NULL,
        CONSTRAINT new_table_pkey PRIMARY KEY (organization_id, id),
        CONSTRAINT new_table_organization FOREIGN KEY (organization_id) REFERENCES organizations (id)
    )";
    client.batch_execute(create).await.unwrap();
    client.batch_execute(&recipe()).await.unwrap();
    if database.has_citus().await {
        let together = "SELECT count(DISTINCT colocation_id) = 1 AND bool_and(citus_table_type = 'distributed')
            FROM citus_tables WHERE table_name IN ('new_table'::regclass, 'organizations'::regclass)";
        assert!(client.query_one(together, &[]).await.unwrap().get::<_, bool>(0));
    }
}

/// `distribute.sql` distributes every table of organizations, and no other; a second run changes nothing.
#[tokio::test]
async fn distribute_refuses_a_plain_postgres_and_distributes_a_cluster_once() {
    let database = TestDatabase::undistributed().await;
    let client = database.client().await;
    let distribute = include_str!("../../../migrations/distribute.sql");
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND (
            tablename = 'organizations' OR EXISTS (
                SELECT FROM pg_attribute WHERE attrelid = tablename::regclass AND attname = 'organization_id'
            )
        ) ORDER BY 1";
    let names = async |sql: &str| -> Vec<String> {
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let keys = "SELECT conname::text FROM pg_constraint
        WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace ORDER BY 1";
    let (tenants, before) = (names(tables).await, names(keys).await);
    if !database.has_citus().await {
        let refused = client.batch_execute(distribute).await.unwrap_err();
        let refused = refused.as_db_error().unwrap();
        assert!(refused.message().contains("has no Citus; nothing was changed"), "{refused:?}");
        assert!(refused.hint().unwrap().contains("CREATE EXTENSION citus"), "{refused:?}");
        return;
    }
    let organization = "INSERT INTO organizations (
            id, uid, display_name, phase, mass_change_members, mass_change_percent, catalog, catalog_revision, revision,
            updated_revision, last_write_at, created_at, updated_at
        ) SELECT 'o' || i, gen_random_uuid(), 'O', 'MIGRATED', 50, 10, '{}', 1, 1, 1, now(), now(), now()
        FROM generate_series(1, 20) AS i;
        INSERT INTO groups SELECT 'o' || i, 'g', 'G', TRUE FROM generate_series(1, 20) AS i;
        INSERT INTO audit_events (organization_id, revision, occurred_at, actor, method, resource, members_changed)
        SELECT 'o' || i, 1, now(), 'a', 'm', 'r', 0 FROM generate_series(1, 20) AS i";
    client.batch_execute(organization).await.unwrap();
    for _ in 0..2 {
        client.batch_execute(distribute).await.unwrap();
        let distributed = "SELECT table_name::text FROM citus_tables WHERE citus_table_type = 'distributed' ORDER BY 1";
        assert_eq!(names(distributed).await, tenants);
        assert_eq!(names(keys).await, before);
        let rows = "SELECT (SELECT count(*) FROM organizations) + (SELECT count(*) FROM groups)
            + (SELECT count(*) FROM audit_events)";
        assert_eq!(client.query_one(rows, &[]).await.unwrap().get::<_, i64>(0), 60);
        assert_eq!(client.query_one("SELECT pg_relation_size('groups')", &[]).await.unwrap().get::<_, i64>(0), 0);
    }
}
