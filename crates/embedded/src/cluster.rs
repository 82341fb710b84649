//! The public API: a running cluster as a value.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::guard::{self, Presence};
use crate::layout::Layout;
use crate::postmaster::Postmaster;
use crate::roles;
use crate::server::PostgresProcess;
use crate::user::ServerUser;
use crate::{Error, Result};

/// How long another process may take to start the shared server.
const JOIN_WITHIN: Duration = Duration::from_secs(60);

/// The port in the name of the socket, unless the server also listens on a port.
pub(crate) const DEFAULT_PORT: u16 = 5432;

/// Who may use the cluster of a data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterMode {
    /// One user. A second start is refused. The server stops with its user.
    Exclusive,
    /// Any number of processes. The first one starts the server with its options, and the others join it. The server
    /// stops a minute after the last process has ended, even if that process was killed.
    Shared,
}

/// How to start a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// The directory that holds the cluster, its log and its locks. It is created if it is missing.
    pub data_dir: PathBuf,
    /// Whether committed data survives a crash of the machine. Only tests can do without that.
    pub durable: bool,
    /// Who may use the cluster.
    pub mode: ClusterMode,
    /// The largest number of sessions.
    pub max_connections: u32,
    /// A port of 127.0.0.1 on which the server listens, beside its socket. TLS needs it.
    pub tcp_port: Option<u16>,
}

impl ClusterOptions {
    /// Options for a service: durable, exclusive, 100 connections.
    #[must_use]
    pub fn service(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durable: true,
            mode: ClusterMode::Exclusive,
            max_connections: 100,
            tcp_port: None,
        }
    }

    /// Options for tests: not durable, shared, 300 connections.
    #[must_use]
    pub fn tests(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            durable: false,
            mode: ClusterMode::Shared,
            max_connections: 300,
            tcp_port: None,
        }
    }
}

/// A running embedded Postgres.
///
/// In exclusive mode, dropping the value stops the server and blocks until it has stopped. In shared mode, dropping the
/// value leaves the server to its other users.
#[derive(Debug)]
pub struct Cluster {
    /// The server and its guard, in exclusive mode and until [`Cluster::stop`].
    owned: Option<(PostgresProcess, Child)>,
    layout: Layout,
    port: u16,
    // The order matters: the presence ends before the lock.
    _presence: Presence,
    _lock: File,
}

impl Cluster {
    /// Starts or joins the cluster, and waits until it accepts connections. Creates it if the directory holds none.
    ///
    /// # Errors
    /// When the directory is in use or cannot be reached, when no binaries fit, or when the server does not start. Each
    /// message says what to do.
    pub fn start(options: &ClusterOptions) -> Result<Self> {
        let user = ServerUser::choose()?;
        let layout = Layout::prepare(&options.data_dir, &user)?;
        let lock = lock_in_use(&layout, options.mode)?;
        let starting = layout.open_lock("start.lock")?;
        starting.lock().map_err(Error::io("lock", &layout.data_dir))?;
        let (presence, owned) = match options.mode {
            ClusterMode::Exclusive => {
                Presence::remove_all(&layout)?;
                (Presence::announce(&layout)?, Some(start_server(options, &user, &layout)?))
            }
            ClusterMode::Shared => {
                let presence = Presence::announce(&layout)?;
                if !wait_until_ready(&layout) {
                    // The guard stays when this value goes: it serves the other users.
                    start_server(options, &user, &layout)?;
                }
                (presence, None)
            }
        };
        let port = options.tcp_port.unwrap_or(DEFAULT_PORT);
        let cluster = Self { owned, layout, port, _presence: presence, _lock: lock };
        roles::prepare(options.mode, |database| cluster.superuser_url(database))?;
        Ok(cluster)
    }

    /// Returns the URL of a database for tokio-postgres, as the ordinary database role. That role may create databases
    /// and owns them.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(roles::ROLE, database)
    }

    /// Returns the URL of a database as the role of the service, which owns nothing.
    #[must_use]
    pub fn service_url(&self, database: &str) -> String {
        self.url_as(roles::SERVICE, database)
    }

    /// Returns the URL of a database as the superuser, whom privileges do not limit.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url_as(roles::SUPERUSER, database)
    }

    /// Returns the URL of a database as another database role, which must exist.
    #[must_use]
    pub fn url_as(&self, role: &str, database: &str) -> String {
        connection_url(&self.layout.socket_dir, self.port, role, database)
    }

    /// The data directory, absolute and without symbolic links.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.layout.data_dir
    }

    /// The log of the server.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.layout.log
    }

    /// Whether the server runs. It may end without [`Cluster::stop`], for example because it was killed.
    #[must_use]
    pub fn is_running(&self) -> bool {
        Postmaster::find(&self.layout.cluster).is_some()
    }

    /// In exclusive mode, rolls back open transactions, stops the server, and blocks until it has stopped.
    ///
    /// # Errors
    /// When the server does not stop.
    pub fn stop(mut self) -> Result<()> {
        self.stop_owned()
    }

    fn stop_owned(&mut self) -> Result<()> {
        let Some((server, mut guard)) = self.owned.take() else {
            return Ok(());
        };
        server.stop()?;
        // Not earlier: if this process is killed before, the guard stops the server. The guard may have ended by itself.
        let _ = guard.kill();
        let _ = guard.wait();
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop_owned() {
            tracing::warn!(%error, "the embedded Postgres was not stopped");
        }
    }
}

/// Takes the lock that every user of the data directory holds.
fn lock_in_use(layout: &Layout, mode: ClusterMode) -> Result<File> {
    let lock = layout.open_lock("in-use.lock")?;
    let locked = match mode {
        ClusterMode::Exclusive => lock.try_lock(),
        ClusterMode::Shared => lock.try_lock_shared(),
    };
    match locked {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Error::new(format!(
            "{} is in use by {}: stop that one, or ask it with --target http://HOST:PORT, if this command has that flag; \
             another directory (--data-dir) is another installation, with an empty database",
            layout.data_dir.display(),
            Presence::describe_all(layout)
        ))),
        Err(TryLockError::Error(cause)) => Err(Error::io("lock", &layout.data_dir)(cause)),
    }
}

/// Starts the server and its guard. A server that still runs has lost its users. It is stopped first, so that the
/// sessions of a killed user end.
fn start_server(options: &ClusterOptions, user: &ServerUser, layout: &Layout) -> Result<(PostgresProcess, Child)> {
    let server = PostgresProcess::prepare(layout, user, options.durable)?;
    if let Some(orphan) = Postmaster::find(&layout.cluster) {
        tracing::warn!(pid = orphan.pid, "stopping an embedded Postgres that has lost its users");
        server.stop()?;
    }
    let pid = server.start(options)?;
    let linger = match options.mode {
        ClusterMode::Exclusive => Duration::from_secs(3),
        // Long enough for the next test binary to find the server still running.
        ClusterMode::Shared => Duration::from_secs(60),
    };
    match guard::spawn(layout, pid, linger) {
        Ok(guard) => Ok((server, guard)),
        Err(error) => server.stop().and(Err(error)),
    }
}

/// Returns whether a server runs here and accepts connections. Waits for a server that is starting.
fn wait_until_ready(layout: &Layout) -> bool {
    let deadline = Instant::now() + JOIN_WITHIN;
    while let Some(postmaster) = Postmaster::find(&layout.cluster) {
        if postmaster.ready || Instant::now() > deadline {
            return postmaster.ready;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn connection_url(socket_dir: &Path, port: u16, role: &str, database: &str) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let url = format!("postgresql:///{}?host={}&user={role}", encode(database), encode(&socket_dir.to_string_lossy()));
    if port == DEFAULT_PORT { url } else { format!("{url}&port={port}") }
}

#[cfg(test)]
mod tests {
    use tokio_postgres::config::{Config, Host};

    use super::*;

    #[test]
    fn everything_but_plain_characters_is_encoded() {
        let url = connection_url(Path::new("/tmp/a b-ü"), DEFAULT_PORT, "rollcall", "roll/?&call_1.~");
        let config: Config = url.parse().unwrap();
        assert_eq!(config.get_hosts(), [Host::Unix("/tmp/a b-ü".into())]);
        assert_eq!((config.get_user(), config.get_dbname()), (Some("rollcall"), Some("roll/?&call_1.~")));
    }
}
