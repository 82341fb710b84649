//! The database: the database of DATABASE_URL, or an embedded Postgres that runs as long as this process.

use rollcall_embedded::{Cluster, ClusterOptions};
use rollcall_store::{Db, address_holdings, migrate};
use tokio::task::spawn_blocking;

use crate::{
    config::Config,
    error::{Error, Result, with_causes},
};

const NAME: &str = "rollcall";
/// The maximum size of the pool. The embedded Postgres accepts 100 sessions; the other sessions are left for schema
/// migrations and for operators.
const EMBEDDED_CONNECTIONS: usize = 90;

/// An open database with a schema that this program knows.
pub(crate) struct Database {
    pub(crate) db: Db,
    /// The embedded Postgres. Dropping the value stops the server, also while a panic unwinds.
    cluster: Option<Cluster>,
}

impl Database {
    /// Opens the database that the configuration names. Starts the embedded Postgres first, if it names no database.
    ///
    /// # Errors
    /// The database cannot be started or reached, or the database of DATABASE_URL lacks a schema migration.
    pub(crate) async fn open(config: &Config) -> Result<Self> {
        let Some(url) = &config.database_url else { return Self::open_embedded(config).await };
        let db = open_pool(url.reveal(), config)?;
        migrate::check(&db).await.map_err(Error::doing(format!("cannot use the database {url}")))?;
        Ok(Self { db, cluster: None })
    }

    async fn open_embedded(config: &Config) -> Result<Self> {
        if config.database_connections > EMBEDDED_CONNECTIONS {
            let limit = format!("the embedded Postgres accepts at most {EMBEDDED_CONNECTIONS}");
            return Err(Error::usage(format!(
                "--database-connections (ROLLCALL_DATABASE_CONNECTIONS) is {}: {limit}; give fewer, or a --database-url",
                config.database_connections
            )));
        }
        let (cluster, _) = start_embedded(config).await?;
        let db = open_pool(&cluster.service_url(NAME), config)?;
        Ok(Self { db, cluster: Some(cluster) })
    }

    /// Returns a notice for a person, if the database is the embedded Postgres.
    pub(crate) fn notice(&self) -> Option<String> {
        let dir = self.cluster.as_ref()?.data_dir().display();
        Some(format!("embedded Postgres in {dir}, for this one machine only; DATABASE_URL names another database"))
    }

    /// Stops the embedded Postgres. Any other server keeps running.
    ///
    /// # Errors
    /// The embedded Postgres does not stop.
    pub(crate) async fn close(self) -> Result {
        let Self { db, cluster } = self;
        drop(db);
        match cluster {
            Some(cluster) => blocking("cannot stop the embedded Postgres", move || cluster.stop()).await,
            None => Ok(()),
        }
    }
}

/// `rollcall migrate`.
///
/// # Errors
/// The database cannot be reached, or a schema migration fails.
pub(crate) async fn migrate(config: &Config) -> Result {
    let applied = match &config.database_url {
        Some(url) => apply_migrations(url.reveal(), config).await?,
        None => {
            let (cluster, applied) = start_embedded(config).await?;
            blocking("the database is migrated, but cannot stop the embedded Postgres", move || cluster.stop()).await?;
            applied
        }
    };
    match applied.len() {
        0 => println!("the schema is up to date"),
        number => println!("applied {number} migrations, up to {}", applied.last().map_or("", String::as_str)),
    }
    Ok(())
}

/// Starts the embedded Postgres, and creates its database and the schema. Returns the schema migrations that were
/// applied.
async fn start_embedded(config: &Config) -> Result<(Cluster, Vec<String>)> {
    let data_dir = config.data_dir()?;
    let start = move || Cluster::start(&ClusterOptions::service(data_dir));
    let cluster = blocking("cannot start the embedded Postgres", start).await?;
    migrate::ensure_database(&cluster.url("postgres"), NAME)
        .await
        .map_err(Error::doing("cannot create the database in the embedded Postgres"))?;
    let applied = apply_migrations(&cluster.url(NAME), config).await?;
    Ok((cluster, applied))
}

/// Runs blocking work on the embedded Postgres. `problem` begins the message of an error.
async fn blocking<T, E>(problem: &str, work: impl FnOnce() -> std::result::Result<T, E> + Send + 'static) -> Result<T>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    spawn_blocking(work).await.map_err(Error::doing(problem))?.map_err(Error::doing(problem))
}

/// Applies the missing schema migrations, gives the database roles their privileges, and fills in the address holdings that an older release has not written.
async fn apply_migrations(url: &str, config: &Config) -> Result<Vec<String>> {
    let migrated = migrate::run_for_roles(url, &config.database_roles()).await;
    let applied = migrated.map_err(Error::doing("cannot migrate the database"))?;
    let filled = address_holdings::fill_all(&open_pool(url, config)?).await;
    filled.map_err(Error::doing("the schema is migrated, but cannot fill in the holders of addresses"))?;
    Ok(applied)
}

fn open_pool(url: &str, config: &Config) -> Result<Db> {
    let opened = Db::open(&config.database_options(url)).map(|db| db.with_limits(config.limits()));
    opened.map_err(|error| Error::usage(format!("--database-url (DATABASE_URL): {}", with_causes(&error))))
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
        let readable_by_all = Permissions::from_mode(0o755);
        let dir = tempfile::Builder::new().prefix("rollcall-panic-").permissions(readable_by_all).tempdir().unwrap();
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
