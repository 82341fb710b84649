//! A running cluster as a value: made by [`Cluster::start`], gone when it is stopped or dropped.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use super::error::EmbeddedError;
use super::guard::{self, Presence};
use super::layout::Layout;
use super::postmaster::Postmaster;
use super::roles;
use super::server::Server;
use super::user::ServerUser;

/// A killed service's server is stopped soon, and cleanly.
const LINGER_EXCLUSIVE: Duration = Duration::from_secs(3);
/// The next test binary of the same run finds the server still there.
const LINGER_SHARED: Duration = Duration::from_secs(60);
const JOIN_WITHIN: Duration = Duration::from_secs(60);

/// Who may use a data directory's cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterMode {
    /// One owner: a second start is refused, and the server stops with its owner.
    Exclusive,
    /// Any number of processes: the first starts the server, with its options, and the others join it. It stops by
    /// itself a minute after the last one has gone, however it went.
    Shared,
}

/// How to start a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterOptions {
    /// The directory that holds the cluster, its log and its locks; made if it is missing.
    pub data_dir: PathBuf,
    /// Whether committed data survives a crash of the machine. Only tests can do without.
    pub durable: bool,
    /// Who may use it.
    pub mode: ClusterMode,
    /// How many sessions the server accepts.
    pub max_connections: u32,
}

impl ClusterOptions {
    /// For a service: durable, exclusive, 100 connections.
    #[must_use]
    pub fn service(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durable: true, mode: ClusterMode::Exclusive, max_connections: 100 }
    }

    /// For tests: fast, shared, 300 connections.
    #[must_use]
    pub fn tests(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durable: false, mode: ClusterMode::Shared, max_connections: 300 }
    }
}

/// A running Postgres of our own.
///
/// Dropping it blocks until the server has stopped (in exclusive mode) or leaves it to the others (in shared mode).
#[derive(Debug)]
pub struct Cluster {
    /// In exclusive mode, until it is stopped.
    owned: Option<(Server, Child)>,
    layout: Layout,
    // Dropped in this order: no longer there, then no longer locked.
    _presence: Presence,
    _lock: File,
}

impl Cluster {
    /// Starts the cluster, making it first if the directory holds none, and waits until it takes connections.
    ///
    /// # Errors
    /// When the directory is in use or cannot be reached, when there are no fitting binaries, or when the server does
    /// not start. Each message says what to do.
    pub fn start(options: &ClusterOptions) -> Result<Self, EmbeddedError> {
        let user = ServerUser::choose()?;
        let layout = Layout::prepare(&options.data_dir, &user)?;
        let lock = layout.open_lock("in-use.lock")?;
        let locked = match options.mode {
            ClusterMode::Exclusive => lock.try_lock(),
            ClusterMode::Shared => lock.try_lock_shared(),
        };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let holder = Presence::describe(&layout);
                return Err(EmbeddedError::InUse { data_dir: layout.data_dir, holder });
            }
            Err(TryLockError::Error(cause)) => {
                return Err(EmbeddedError::io("lock", &layout.data_dir)(cause));
            }
        }
        match options.mode {
            ClusterMode::Exclusive => Self::own(options, &user, layout, lock),
            ClusterMode::Shared => Self::join(options, &user, layout, lock),
        }
    }

    fn own(options: &ClusterOptions, user: &ServerUser, layout: Layout, lock: File) -> Result<Self, EmbeddedError> {
        Presence::forget_all(&layout)?;
        let presence = Presence::announce(&layout)?;
        let started = start_anew(options, user, &layout, LINGER_EXCLUSIVE)?;
        let cluster = Self { owned: Some(started), layout, _presence: presence, _lock: lock };
        roles::make_and_take_over(|database| cluster.superuser_url(database))?;
        Ok(cluster)
    }

    fn join(options: &ClusterOptions, user: &ServerUser, layout: Layout, lock: File) -> Result<Self, EmbeddedError> {
        let starting = layout.open_lock("start.lock")?;
        starting.lock().map_err(EmbeddedError::io("lock", &layout.data_dir))?;
        let presence = Presence::announce(&layout)?;
        if !ready_soon(&layout) {
            // The guard is not ours to stop.
            start_anew(options, user, &layout, LINGER_SHARED)?;
        }
        let cluster = Self { owned: None, layout, _presence: presence, _lock: lock };
        roles::make(|database| cluster.superuser_url(database))?;
        Ok(cluster)
    }

    /// The address of a database of this cluster, for tokio-postgres, as the ordinary role that may make databases and
    /// owns them.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.url_as(roles::ROLE, database)
    }

    /// The same as the superuser, whom no privilege holds back: for what looks at the server itself.
    #[must_use]
    pub fn superuser_url(&self, database: &str) -> String {
        self.url_as(roles::SUPERUSER, database)
    }

    fn url_as(&self, role: &str, database: &str) -> String {
        let socket_dir = self.layout.socket_dir.to_string_lossy();
        format!("postgresql:///{}?host={}&user={role}", percent_encode(database), percent_encode(&socket_dir))
    }

    /// The data directory, absolute and without symbolic links.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.layout.data_dir
    }

    /// Stops the server if this is its only owner, rolling back what is open; blocks until it has stopped.
    ///
    /// # Errors
    /// When the server does not stop.
    pub fn stop(mut self) -> Result<(), EmbeddedError> {
        self.stop_owned()
    }

    fn stop_owned(&mut self) -> Result<(), EmbeddedError> {
        let Some((server, mut guard)) = self.owned.take() else {
            return Ok(());
        };
        server.stop()?;
        // Only now: until here it would have finished our work. It may have gone by itself.
        let _ = guard.kill();
        let _ = guard.wait();
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.stop_owned() {
            tracing::warn!(%error, "the embedded postgres was not stopped");
        }
    }
}

/// Starts a server and its guard. One that is still running has lost its owner: it is stopped first, so that no
/// session of the dead owner goes on.
fn start_anew(
    options: &ClusterOptions,
    user: &ServerUser,
    layout: &Layout,
    linger: Duration,
) -> Result<(Server, Child), EmbeddedError> {
    let server = Server::prepare(layout, user, options.durable)?;
    if let Some(orphan) = Postmaster::find(&layout.cluster) {
        tracing::warn!(pid = orphan.pid, "stopping an embedded postgres whose owner is gone");
        server.stop()?;
    }
    let pid = server.start(options)?;
    match guard::spawn(layout, pid, linger) {
        Ok(guard) => Ok((server, guard)),
        Err(error) => server.stop().and(Err(error)),
    }
}

/// Whether a server runs here and takes connections, after a moment if it is just starting.
fn ready_soon(layout: &Layout) -> bool {
    let deadline = Instant::now() + JOIN_WITHIN;
    while let Some(postmaster) = Postmaster::find(&layout.cluster) {
        if postmaster.ready {
            return true;
        }
        if Instant::now() > deadline {
            break;
        }
        thread::sleep(Duration::from_millis(20));
    }
    false
}

fn percent_encode(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::percent_encode;

    #[test]
    fn everything_but_plain_characters_is_encoded() {
        assert_eq!(percent_encode("/tmp/a b-ü_1.~"), "%2Ftmp%2Fa%20b-%C3%BC_1.~");
    }
}
