//! A proxy in front of the database that injects faults of networks and proxies: it refuses, closes or silences
//! connections, at once or after a chosen number of bytes. All tests share the cluster behind it.

mod connection;
mod state;

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use tokio_postgres::config::{Config, Host};

use connection::accept;
pub use state::{Direction, Fault, FaultTrigger};
use state::{ForwardAddress, ProxyShared};

/// A proxy that passes all bytes until a fault is injected.
pub struct FaultProxy {
    url: String,
    shared: Arc<ProxyShared>,
    accepting: JoinHandle<()>,
}

impl FaultProxy {
    /// Opens a proxy in front of the database at a URL of the test cluster.
    pub async fn open(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let database = match config.get_hosts().first() {
            Some(Host::Unix(dir)) => ForwardAddress::Unix(dir.join(format!(".s.PGSQL.{port}"))),
            Some(Host::Tcp(host)) => ForwardAddress::Tcp(host.clone(), port),
            None => panic!("{url} has no host"),
        };
        let shared = Arc::new(ProxyShared { database, state: Mutex::default(), changed: watch::Sender::new(0) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let password = config.get_password().map(|password| format!(":{}", String::from_utf8_lossy(password)));
        let options = url.split_once("options=").map(|(_, options)| format!("?options={options}"));
        let (password, options) = (password.unwrap_or_default(), options.unwrap_or_default());
        let url = format!("postgresql://{user}{password}@{address}/{database}{options}");
        Self { url, accepting: tokio::spawn(accept(listener, shared.clone())), shared }
    }

    /// Returns the URL of the database through the proxy.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Injects a fault now.
    pub fn inject(&self, fault: Fault) {
        self.shared.inject(fault);
    }

    /// Sets the trigger that injects a fault later. There is one trigger at a time.
    pub fn set_trigger(&self, trigger: FaultTrigger) {
        let mut state = self.shared.lock();
        (state.trigger, state.triggered) = (Some(trigger), false);
    }

    /// Removes the trigger. Returns false if it has already injected its fault.
    pub fn remove_trigger(&self) -> bool {
        self.shared.lock().trigger.take().is_some()
    }

    /// Returns whether the trigger has injected its fault.
    #[must_use]
    pub fn has_triggered(&self) -> bool {
        self.shared.lock().triggered
    }

    /// Closes the database side of silent connections, as the keepalives of its host do when the path is dead. The
    /// service side stays open.
    pub fn close_database_side(&self) {
        self.shared.lock().database_side_closed = true;
        self.shared.notify_connections();
    }

    /// Resets [`has_triggered`](Self::has_triggered). Returns its previous value.
    pub fn reset_triggered(&self) -> bool {
        std::mem::take(&mut self.shared.lock().triggered)
    }

    /// Ends a silence without closing connections: the bytes that were held back are passed.
    pub fn resume(&self) {
        self.shared.lock().silent = false;
        self.shared.notify_connections();
    }

    /// Ends the fault. Silenced connections are closed, as when a path recovers after a long time.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        if state.silent {
            state.generation += 1;
        }
        (state.silent, state.database_side_closed, state.refusing) = (false, false, false);
        drop(state);
        self.shared.notify_connections();
    }

    /// Returns the number of bytes passed in a direction.
    #[must_use]
    pub fn bytes_passed(&self, direction: Direction) -> u64 {
        self.shared.lock().bytes_passed[direction as usize]
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.shared.inject(Fault::Refuse);
    }
}

impl fmt::Debug for FaultProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.url, self.shared.lock())
    }
}
