//! A durable Postgres of the benchmark's own, with the settings of the service's, gone with the value.

use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::migrate;
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// A running server in a temporary folder.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: stopped, then removed.
    cluster: Cluster,
    dir: TempDir,
}

/// A migrated database of it, with a connection.
pub struct Database {
    /// For the driver.
    pub url: String,
    /// A connection that stays, as the superuser.
    pub client: Client,
}

impl Postgres {
    /// Makes and starts a server.
    ///
    /// # Errors
    /// When there are no server binaries, or it does not start.
    pub async fn start() -> Result<Self> {
        // Postgres does not run as root: another user has to reach the folder.
        let reachable = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("rollcall-bench-").permissions(reachable).tempdir()?;
        let options = ClusterOptions::service(dir.path().join("data"));
        let cluster = spawn_blocking(move || Cluster::start(&options)).await??;
        Ok(Self { cluster, dir })
    }

    /// A folder that goes with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Creates and migrates a database. With `log_statements` the server's log has every slow statement of it.
    ///
    /// # Errors
    /// A server that fails, or a migration that does.
    pub async fn database(&self, name: &str, log_statements: bool) -> Result<Database> {
        migrate::ensure_database(&self.cluster.url("postgres"), name).await?;
        if log_statements {
            let set = format!("ALTER DATABASE {name} SET log_min_duration_statement = 20");
            let shorten = format!("ALTER DATABASE {name} SET log_parameter_max_length = 0");
            connect(&self.cluster.superuser_url("postgres")).await?.batch_execute(&format!("{set}; {shorten}")).await?;
        }
        let url = self.cluster.url(name);
        migrate::run(&url).await?;
        let client = connect(&self.cluster.superuser_url(name)).await?;
        Ok(Database { url, client })
    }

    /// Makes a database with the rows of another one, whose connections are cut. With `log_statements` the server's log
    /// has every statement of it.
    ///
    /// # Errors
    /// A server that fails.
    pub async fn copy(&self, from: &str, name: &str, log_statements: bool) -> Result<Database> {
        let superuser = connect(&self.cluster.superuser_url("postgres")).await?;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        superuser.query(cut, &[&from]).await?;
        let owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1";
        let owner: String = superuser.query_one(owner, &[&from]).await?.get(0);
        let copy = format!("CREATE DATABASE {name} TEMPLATE {from} OWNER {owner} STRATEGY file_copy");
        superuser.batch_execute(&copy).await?;
        if log_statements {
            let set = format!("ALTER DATABASE {name} SET log_min_duration_statement = 0");
            superuser.batch_execute(&set).await?;
            let shorten = format!("ALTER DATABASE {name} SET log_parameter_max_length = 0");
            superuser.batch_execute(&shorten).await?;
        }
        let client = connect(&self.cluster.superuser_url(name)).await?;
        Ok(Database { url: self.cluster.url(name), client })
    }

    /// Removes a database, whose connections are cut.
    ///
    /// # Errors
    /// A server that fails.
    pub async fn drop(&self, name: &str) -> Result {
        let superuser = connect(&self.cluster.superuser_url("postgres")).await?;
        Ok(superuser.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// Stops Postgres from renewing its statistics by itself.
    ///
    /// # Errors
    /// A server that fails.
    pub async fn leave_statistics(&self) -> Result {
        let client = connect(&self.cluster.superuser_url("postgres")).await?;
        client.batch_execute("ALTER SYSTEM SET autovacuum = off").await?;
        Ok(client.batch_execute("SELECT pg_reload_conf()").await?)
    }

    /// What the log says of slow statements since the last call: how long, and how they begin.
    ///
    /// # Errors
    /// A log that cannot be read.
    pub fn slow_statements(&self, read: &mut usize) -> Result<Vec<String>> {
        let log = fs::read(self.cluster.data_dir().join("postgres.log"))?;
        let new = String::from_utf8_lossy(log.get(*read..).unwrap_or_default()).into_owned();
        *read = log.len();
        let slow = new.lines().filter_map(|line| line.split_once("duration: "));
        Ok(slow.map(|(_, said)| said.to_owned()).collect())
    }

    /// Stops the server and removes it.
    ///
    /// # Errors
    /// When it does not stop.
    pub async fn stop(self) -> Result {
        let Self { cluster, dir } = self;
        spawn_blocking(move || cluster.stop()).await??;
        Ok(dir.close()?)
    }
}

impl Database {
    /// Finishes what earlier writes have left to do, so that it does not count for the next ones.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn settle(&self) -> Result {
        self.client.batch_execute("VACUUM (ANALYZE)").await?;
        self.checkpoint().await
    }

    /// Writes what is in memory, so that nobody waits for it later.
    ///
    /// # Errors
    /// A database that fails.
    pub async fn checkpoint(&self) -> Result {
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
