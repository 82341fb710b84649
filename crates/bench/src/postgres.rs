//! A Postgres server for one benchmark, with the settings of the embedded Postgres.

use std::{fs, fs::Permissions, os::unix::fs::PermissionsExt as _, path::Path};

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::migrate;
use tempfile::TempDir;
use tokio::task::spawn_blocking;
use tokio_postgres::{Client, NoTls};

use crate::Result;

/// A running server in a temporary folder. Dropping the value stops the server and removes the folder.
#[derive(Debug)]
pub struct Postgres {
    // The server is dropped before its folder.
    cluster: Cluster,
    dir: TempDir,
}

/// A migrated database with a connection.
pub struct BenchDatabase {
    /// The URL for the driver.
    pub url: String,
    /// A connection as the superuser.
    pub client: Client,
}

impl Postgres {
    /// Creates and starts a server.
    ///
    /// # Errors
    /// When the binaries of Postgres are missing, or the server does not start.
    pub async fn start() -> Result<Self> {
        // Postgres does not run as root: another user has to reach the folder.
        let reachable = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("rollcall-bench-").permissions(reachable).tempdir()?;
        let options = ClusterOptions::service(dir.path().join("data"));
        let cluster = spawn_blocking(move || Cluster::start(&options)).await??;
        Ok(Self { cluster, dir })
    }

    async fn superuser(&self) -> Result<Client> {
        connect(&self.cluster.superuser_url("postgres")).await
    }

    /// A folder that is removed with the server.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Creates and migrates a database. With `log_statements` the server logs its statements that take 20 ms or longer.
    ///
    /// # Errors
    /// When the server cannot be reached, or a migration fails.
    pub async fn database(&self, name: &str, log_statements: bool) -> Result<BenchDatabase> {
        migrate::ensure_database(&self.cluster.url("postgres"), name).await?;
        if log_statements {
            log_slow_statements(&self.superuser().await?, name, 20).await?;
        }
        migrate::run(&self.cluster.url(name)).await?;
        let url = self.cluster.service_url(name);
        let client = connect(&self.cluster.superuser_url(name)).await?;
        Ok(BenchDatabase { url, client })
    }

    /// Copies a database, after closing its connections. With `log_statements` the server logs all statements of the copy.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn copy(&self, from: &str, name: &str, log_statements: bool) -> Result<BenchDatabase> {
        let superuser = self.superuser().await?;
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
        superuser.query(cut, &[&from]).await?;
        let owner = "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = $1";
        let owner: String = superuser.query_one(owner, &[&from]).await?.get(0);
        let copy = format!("CREATE DATABASE {name} TEMPLATE {from} OWNER {owner} STRATEGY file_copy");
        superuser.batch_execute(&copy).await?;
        if log_statements {
            log_slow_statements(&superuser, name, 0).await?;
        }
        let client = connect(&self.cluster.superuser_url(name)).await?;
        Ok(BenchDatabase { url: self.cluster.service_url(name), client })
    }

    /// Closes the connections of a database and deletes it.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn drop(&self, name: &str) -> Result {
        let superuser = self.superuser().await?;
        Ok(superuser.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?)
    }

    /// Turns autovacuum off, so that Postgres does not update its statistics.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn leave_statistics(&self) -> Result {
        let client = self.superuser().await?;
        client.batch_execute("ALTER SYSTEM SET autovacuum = off").await?;
        Ok(client.batch_execute("SELECT pg_reload_conf()").await?)
    }

    /// Returns the slow statements in the log after the offset `read`, each with its duration and its first line. Moves
    /// `read` to the end of the log.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn slow_statements(&self, read: &mut usize) -> Result<Vec<String>> {
        let log = fs::read(self.cluster.data_dir().join("postgres.log"))?;
        let new = String::from_utf8_lossy(log.get(*read..).unwrap_or_default()).into_owned();
        *read = log.len();
        let slow = new.lines().filter_map(|line| line.split_once("duration: "));
        Ok(slow.map(|(_, statement)| statement.to_owned()).collect())
    }

    /// Stops the server and removes its folder.
    ///
    /// # Errors
    /// When the server does not stop.
    pub async fn stop(self) -> Result {
        let Self { cluster, dir } = self;
        spawn_blocking(move || cluster.stop()).await??;
        Ok(dir.close()?)
    }
}

impl BenchDatabase {
    /// Does the maintenance that earlier writes left to do, so that it does not slow the next step.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn settle(&self) -> Result {
        self.client.batch_execute("VACUUM (ANALYZE)").await?;
        self.checkpoint().await
    }

    /// Writes the changed pages from memory, so that the next step does not wait for that.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn checkpoint(&self) -> Result {
        Ok(self.client.batch_execute("CHECKPOINT").await?)
    }
}

/// Makes the server log the statements of a database that take at least this long, without their values.
async fn log_slow_statements(superuser: &Client, database: &str, milliseconds: u32) -> Result {
    let limit = format!("ALTER DATABASE {database} SET log_min_duration_statement = {milliseconds}");
    let no_values = format!("ALTER DATABASE {database} SET log_parameter_max_length = 0");
    Ok(superuser.batch_execute(&format!("{limit}; {no_values}")).await?)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}
