//! A database of one test alone: a copy of a migrated template.

use rollcall_store::migrate::SCHEMA_HASH;
use tokio_postgres::Client;
use uuid::Uuid;

use super::{connect, migrate, postgres::TestPostgres};

/// Creates a database and returns its name.
pub(super) async fn create(postgres: &TestPostgres) -> String {
    let admin = connect(&postgres.superuser_url(postgres.admin_database())).await;
    let template = template(postgres, &admin).await;
    let name = format!("test_{}", Uuid::now_v7().simple());
    let version = "SELECT current_setting('server_version_num')::integer";
    let version: i32 = admin.query_one(version, &[]).await.unwrap().get(0);
    // Copying files is faster than writing them to the log. Older versions always do so.
    let strategy = if version >= 150_000 { "STRATEGY file_copy" } else { "" };
    let sql = format!("CREATE DATABASE {name} OWNER {} TEMPLATE {template} {strategy}", postgres.owner());
    admin.batch_execute(&sql).await.unwrap();
    name
}

/// Drops a database and ends its sessions.
pub(super) async fn remove(admin: &Client, name: &str) {
    let _ = admin.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
}

/// Returns the name of the migrated template, and creates the template if it does not exist. The name contains the
/// hash of the schema migrations.
async fn template(postgres: &TestPostgres, admin: &Client) -> String {
    let name = format!("migrated_{SCHEMA_HASH}");
    admin.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let exists = "SELECT FROM pg_database WHERE datname = $1";
    if admin.query_opt(exists, &[&name]).await.unwrap().is_none() {
        let (building, owner) = (format!("{name}_building"), postgres.owner());
        admin.batch_execute(&format!("DROP DATABASE IF EXISTS {building}")).await.unwrap();
        admin.batch_execute(&format!("CREATE DATABASE {building} OWNER {owner}")).await.unwrap();
        migrate(postgres.url(owner, &building), postgres.roles()).await;
        admin.batch_execute(&format!("ALTER DATABASE {building} RENAME TO {name}")).await.unwrap();
    }
    admin.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    name
}
