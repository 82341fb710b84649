//! The database: the one of DATABASE_URL, or an embedded Postgres that lives as long as this process.

use std::path::PathBuf;

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::{Db, Options, migrate};
use tokio::task::spawn_blocking;

use crate::{
    config::Config,
    error::{Error, Result, with_causes},
};

const NAME: &str = "rollcall";
/// Of the 100 sessions that the embedded Postgres accepts, for migrations and whoever looks inside.
const EMBEDDED_CONNECTIONS: usize = 90;

/// An open database with a schema that this program knows.
pub(crate) struct Database {
    pub(crate) db: Db,
    /// Stops the server when it is dropped, also while a panic unwinds.
    cluster: Option<Cluster>,
}

impl Database {
    /// Opens the database that the configuration names, and starts it first if it is the embedded one.
    ///
    /// # Errors
    /// When it cannot be started or reached, or when a migration of a database that is not ours is missing.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let Some(url) = &config.database_url else { return Self::open_embedded(config).await };
        let db = open_pool(url.reveal(), config.database_connections)?;
        migrate::check(&db).await.map_err(Error::doing(format!("cannot use the database {url}")))?;
        Ok(Self { db, cluster: None })
    }

    async fn open_embedded(config: &Config) -> Result<Self> {
        if config.database_connections > EMBEDDED_CONNECTIONS {
            let limit = format!("the embedded Postgres takes at most {EMBEDDED_CONNECTIONS}");
            return Err(Error::usage(format!(
                "--database-connections (ROLLCALL_DATABASE_CONNECTIONS) is {}: {limit}; give fewer, or a --database-url",
                config.database_connections
            )));
        }
        let (cluster, _) = start_embedded(config.data_dir()?).await?;
        let db = open_pool(&cluster.url(NAME), config.database_connections)?;
        Ok(Self { db, cluster: Some(cluster) })
    }

    /// What to tell a person about it, where there is something to tell.
    pub(crate) fn notice(&self) -> Option<String> {
        let dir = self.cluster.as_ref()?.data_dir().display();
        Some(format!("embedded Postgres in {dir}, for this one machine only; DATABASE_URL names another database"))
    }

    /// Stops the embedded server; another one is left alone.
    ///
    /// # Errors
    /// When the server does not stop.
    pub(crate) async fn close(self) -> Result {
        let Self { db, cluster } = self;
        drop(db);
        let Some(cluster) = cluster else { return Ok(()) };
        let stopped = spawn_blocking(move || cluster.stop()).await;
        stopped
            .map_err(Error::doing("cannot stop the embedded Postgres"))?
            .map_err(|error| Error::failed(error.to_string()))
    }
}

/// `rollcall migrate`.
///
/// # Errors
/// When the database cannot be reached or a migration fails.
pub(crate) async fn migrate(config: &Config) -> Result {
    let applied = match &config.database_url {
        Some(url) => apply_migrations(url.reveal()).await?,
        None => {
            let (cluster, applied) = start_embedded(config.data_dir()?).await?;
            let stopped = spawn_blocking(move || cluster.stop()).await;
            stopped
                .map_err(Error::doing("cannot stop the embedded Postgres"))?
                .map_err(Error::doing("migrated, but"))?;
            applied
        }
    };
    match applied.len() {
        0 => println!("the schema is up to date"),
        number => println!("applied {number} migrations, up to {}", applied.last().map_or("", String::as_str)),
    }
    Ok(())
}

/// Starts the embedded server, and makes and migrates its database.
async fn start_embedded(data_dir: PathBuf) -> Result<(Cluster, Vec<String>)> {
    let started = spawn_blocking(move || Cluster::start(&ClusterOptions::service(data_dir))).await;
    let cluster = started
        .map_err(Error::doing("cannot start the embedded Postgres"))?
        .map_err(Error::doing("cannot start the embedded Postgres"))?;
    migrate::ensure_database(&cluster.url("postgres"), NAME)
        .await
        .map_err(Error::doing("cannot make the database in the embedded Postgres"))?;
    let applied = apply_migrations(&cluster.url(NAME)).await?;
    Ok((cluster, applied))
}

async fn apply_migrations(url: &str) -> Result<Vec<String>> {
    migrate::run(url).await.map_err(Error::doing("cannot migrate the database"))
}

fn open_pool(url: &str, connections: usize) -> Result<Db> {
    let options = Options { url: url.to_owned(), connections };
    Db::open(&options).map_err(|error| Error::usage(format!("--database-url (DATABASE_URL): {}", with_causes(&error))))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// The configuration alone, as a command line.
    #[derive(clap::Parser)]
    struct TestCli {
        #[command(flatten)]
        config: Config,
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_stops_the_embedded_server() {
        let everybody = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("rollcall-panic-").permissions(everybody).tempdir().unwrap();
        let data = dir.path().join("data");
        let arguments = ["rollcall", "--data-dir"].map(OsString::from).into_iter().chain([data.clone().into()]);
        let config =
            Config { database_url: None, ..crate::config::parse::<TestCli>(arguments).unwrap().unwrap().config };

        let pid_file = data.join("postgres/postmaster.pid");
        let ran = pid_file.clone();
        let work = tokio::spawn(async move {
            let database = Database::open(&config).await.unwrap();
            assert!(!ran.exists(), "{:?} panics here, on purpose", database.notice());
        });
        assert!(work.await.unwrap_err().is_panic());
        assert!(!pid_file.exists());
    }
}
