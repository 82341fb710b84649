//! A migrated database for each test. It is copied from a template, on a cluster that all test processes share.
//! Tests ignore `DATABASE_URL`, so that they never change a real database.

use std::{path::PathBuf, sync::OnceLock};

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::{Db, Options, migrate};
use tokio_postgres::NoTls;
use uuid::Uuid;

/// A database for one test. Dropping the value drops the database.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&ClusterOptions::tests(data_dir())).expect("a Postgres for tests"))
}

/// Returns the data directory of the cluster. The user `postgres` can read it if tests run as root.
fn data_dir() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    std::env::temp_dir().join(format!("rollcall-tests-{user}"))
}

impl TestDatabase {
    /// Creates a migrated, empty database.
    pub async fn new() -> Self {
        let admin = tokio::task::spawn_blocking(|| cluster().superuser_url("postgres")).await.unwrap();
        let template = template(&admin).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let client = connect(&admin).await;
        let sql = format!("CREATE DATABASE {name} OWNER rollcall TEMPLATE {template} STRATEGY file_copy");
        client.batch_execute(&sql).await.unwrap();
        Self { name }
    }

    /// Returns the URL for the ordinary database role, which owns the database.
    #[must_use]
    pub fn url(&self) -> String {
        cluster().url(&self.name)
    }

    /// Returns the URL for a superuser.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        cluster().superuser_url(&self.name)
    }

    /// Opens a connection pool to the database, as the service does.
    #[must_use]
    pub fn db(&self) -> Db {
        Db::open(&Options { url: self.url(), connections: 24 }).unwrap()
    }

    /// Opens a superuser connection of its own, to read rows directly and to make changes that the service cannot make.
    pub async fn client(&self) -> tokio_postgres::Client {
        connect(&self.superuser_url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // The runtime of the test may be shut down or panicking, so a thread with its own runtime drops the database.
        let (admin, sql) =
            (cluster().superuser_url("postgres"), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { connect(&admin).await.batch_execute(&sql).await })
        });
        let _ = thread.join();
    }
}

/// Returns the name of the migrated template, and creates the template if it does not exist. The name contains the
/// hash of the schema migrations.
async fn template(admin: &str) -> String {
    let name = format!("migrated_{}", migrate::SCHEMA_HASH);
    let client = connect(admin).await;
    client.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
    let exists = "SELECT FROM pg_database WHERE datname = $1";
    if client.query_opt(exists, &[&name]).await.unwrap().is_none() {
        let building = format!("{name}_building");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {building}")).await.unwrap();
        client.batch_execute(&format!("CREATE DATABASE {building} OWNER rollcall")).await.unwrap();
        let url = cluster().url(&building);
        // The migration harness needs a multi-threaded runtime, which a test may not have.
        let migrating = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
            runtime.block_on(async { migrate::run(&url).await }).unwrap();
        });
        tokio::task::spawn_blocking(|| migrating.join().unwrap()).await.unwrap();
        client.batch_execute(&format!("ALTER DATABASE {building} RENAME TO {name}")).await.unwrap();
    }
    client.batch_execute("SELECT pg_advisory_unlock(1)").await.unwrap();
    name
}

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
