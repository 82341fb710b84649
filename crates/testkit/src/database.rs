//! A migrated database for each test, copied from a template on a cluster that test processes
//! share. `DATABASE_URL` is not used: tests never touch a database that somebody has.

use std::{path::PathBuf, sync::OnceLock};

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::{Db, Options, migrate};
use tokio_postgres::NoTls;
use uuid::Uuid;

/// A database of its own, dropped with the value.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
}

fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&ClusterOptions::tests(data_dir())).expect("a Postgres for tests"))
}

/// Where the cluster lies: in a folder that the user `postgres` reaches when tests run as root.
#[must_use]
pub fn data_dir() -> PathBuf {
    let user = std::env::var("USER").unwrap_or_else(|_| "root".to_owned());
    std::env::temp_dir().join(format!("rollcall-tests-{user}"))
}

impl TestDatabase {
    /// Copies a migrated, empty database.
    pub async fn new() -> Self {
        let admin = tokio::task::spawn_blocking(|| cluster().superuser_url("postgres")).await.unwrap();
        let template = template(&admin).await;
        let name = format!("test_{}", Uuid::now_v7().simple());
        let client = connect(&admin).await;
        let sql = format!("CREATE DATABASE {name} OWNER rollcall TEMPLATE {template} STRATEGY file_copy");
        client.batch_execute(&sql).await.unwrap();
        Self { name }
    }

    /// Its URL, as the service connects: with an ordinary role, which owns the database.
    #[must_use]
    pub fn url(&self) -> String {
        cluster().url(&self.name)
    }

    /// Its URL as a superuser, whom no privilege holds back.
    #[must_use]
    pub fn superuser_url(&self) -> String {
        cluster().superuser_url(&self.name)
    }

    /// The store on it.
    #[must_use]
    pub fn db(&self) -> Db {
        Db::open(&Options { url: self.url(), connections: 24 }).unwrap()
    }

    /// A connection beside the service's, to look at rows and to do what the service may not: a superuser's.
    pub async fn client(&self) -> tokio_postgres::Client {
        connect(&self.superuser_url()).await
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // The test's runtime may be gone, or panicking.
        let (admin, sql) =
            (cluster().superuser_url("postgres"), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async { connect(&admin).await.batch_execute(&sql).await })
        });
        let _ = dropping.join();
    }
}

/// The name of the migrated template, made by whoever needs it first; its name changes with the
/// migrations.
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
        // The migration harness needs a multi-threaded runtime, which a test need not have.
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
