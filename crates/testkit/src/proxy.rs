//! A way to the database that fails as networks and proxies do: it refuses, cuts, goes silent, at once or at a byte that
//! is chosen. The cluster itself is shared by all tests.

mod pass;

use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_postgres::config::{Config, Host};

use pass::accept;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the service to the database: a statement.
    ToDatabase,
    /// From the database to the service: an answer.
    ToService,
}

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All are broken; new ones are let through.
    Cut,
    /// Nothing is passed on any more, and nobody is told: the other side may be dead, or slow. New ones are accepted.
    Silence,
    /// All are broken, and new ones are refused.
    Refuse,
}

/// When a fault happens by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The way that is counted.
    pub way: Way,
    /// After this many more bytes of it, over all connections; nothing beyond them is passed on.
    pub bytes: u64,
    /// What happens then.
    pub fault: Fault,
}

/// Lets connections through, until a fault is asked for.
pub struct FaultProxy {
    url: String,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

/// What the connections of a proxy share.
struct Shared {
    socket: PathBuf,
    state: Mutex<State>,
    /// Counts the changes of `state` that a connection has to look at.
    changed: watch::Sender<u64>,
    sprung: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// Connections of an earlier generation are broken.
    generation: u64,
    silent: bool,
    /// The database's side of silent connections is closed.
    lost: bool,
    refusing: bool,
    trap: Option<Trap>,
    carried: [u64; 2],
}

impl FaultProxy {
    /// Opens a proxy before the database at a URL of the test cluster.
    pub async fn open(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let Some(Host::Unix(dir)) = config.get_hosts().first() else { panic!("{url} is not a socket") };
        let shared = Arc::new(Shared {
            socket: dir.join(".s.PGSQL.5432"),
            state: Mutex::default(),
            changed: watch::Sender::new(0),
            sprung: watch::Sender::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let options = url.split_once("options=").map(|(_, options)| format!("?options={options}"));
        let url = format!("postgresql://{user}@{address}/{database}{}", options.unwrap_or_default());
        Self { url, accepting: tokio::spawn(accept(listener, shared.clone())), shared }
    }

    /// The URL of the database behind it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Makes a fault happen now.
    pub fn make(&self, fault: Fault) {
        self.shared.make(fault);
    }

    /// Makes a fault happen later. There is one trap at a time.
    pub fn set(&self, trap: Trap) {
        self.shared.sprung.send_replace(false);
        self.shared.lock().trap = Some(trap);
    }

    /// Takes the trap away; whether it was still there.
    pub fn disarm(&self) -> bool {
        self.shared.lock().trap.take().is_some()
    }

    /// Waits until the trap has sprung.
    pub async fn sprung(&self) {
        // The sender lives as long as the proxy.
        let _ = self.shared.sprung.subscribe().wait_for(|sprung| *sprung).await;
    }

    /// Whether the trap has sprung.
    #[must_use]
    pub fn has_sprung(&self) -> bool {
        *self.shared.sprung.borrow()
    }

    /// Closes the database's side of connections that are silent, as its host's keepalives do when the path is dead. The
    /// service is still told nothing.
    pub fn lose(&self) {
        self.shared.lock().lost = true;
        self.shared.tell();
    }

    /// Forgets that the trap has sprung; whether it had.
    pub fn forget(&self) -> bool {
        self.shared.sprung.send_replace(false)
    }

    /// Ends a silence as if nothing had been: what was held back is passed on.
    pub fn resume(&self) {
        self.shared.lock().silent = false;
        self.shared.tell();
    }

    /// Lets connections through again. Those that were silenced are broken: a path that comes back late does that.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        if state.silent {
            state.generation += 1;
        }
        (state.silent, state.lost, state.refusing) = (false, false, false);
        drop(state);
        self.shared.tell();
    }

    /// How many bytes it has passed on.
    #[must_use]
    pub fn carried(&self, way: Way) -> u64 {
        self.shared.lock().carried[way as usize]
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.make(Fault::Refuse);
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.url, self.shared.lock())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.changed.send_modify(|changes| *changes += 1);
    }

    fn make(&self, fault: Fault) {
        let mut state = self.lock();
        match fault {
            Fault::Cut => state.generation += 1,
            Fault::Silence => state.silent = true,
            Fault::Refuse => {
                state.generation += 1;
                state.refusing = true;
            }
        }
        drop(state);
        self.tell();
    }

    /// How many of these bytes may be passed on, counted as if they were; the trap springs if it is not all.
    fn allow(&self, way: Way, bytes: usize) -> usize {
        let mut state = self.lock();
        let mut allowed = bytes;
        let mut springs = None;
        if let Some(trap) = state.trap.as_mut().filter(|trap| trap.way == way) {
            let left = usize::try_from(trap.bytes).unwrap_or(usize::MAX);
            if left < bytes {
                (allowed, springs) = (left, Some(trap.fault));
            } else {
                trap.bytes -= bytes as u64;
            }
        }
        state.carried[way as usize] += allowed as u64;
        if springs.is_some() {
            state.trap = None;
        }
        drop(state);
        if let Some(fault) = springs {
            self.make(fault);
            self.sprung.send_replace(true);
        }
        allowed
    }
}
