//! Counts the connections that do not begin, by cause, and logs each cause at most once a minute: anybody who reaches the
//! port could fill the log.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;

/// A cause is logged once in this time.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// The number of causes.
const CAUSES: usize = 4;

/// Why a connection does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedCause {
    /// The client does not speak TLS, but the server does.
    Plaintext,
    /// TLS fails: one side does not accept the other's certificate, version or protocol.
    Tls,
    /// The client does not speak HTTP/2, or closes the connection.
    Protocol,
    /// The client does not begin in time.
    Timeout,
}

/// The connections that did not begin. Clones share the numbers.
#[derive(Clone, Debug, Default)]
pub struct RefusedConnections(Arc<[Cause; CAUSES]>);

#[derive(Debug, Default)]
struct Cause {
    number: AtomicU64,
    logged: Mutex<Option<Instant>>,
}

impl RefusedConnections {
    /// Returns how many connections did not begin for a cause.
    #[must_use]
    pub fn count(&self, cause: RefusedCause) -> u64 {
        self.0[cause as usize].number.load(Ordering::Relaxed)
    }

    /// Counts a connection.
    pub(super) fn add(&self, cause: RefusedCause, error: &dyn std::fmt::Display) {
        tracing::debug!(?cause, %error, "a connection does not begin");
        let counted = &self.0[cause as usize];
        let number = counted.number.fetch_add(1, Ordering::Relaxed) + 1;
        let advice = match cause {
            RefusedCause::Plaintext => "a client has connected without TLS; its address must begin with https://",
            RefusedCause::Tls => "TLS with a client failed; compare its certificate, its CA and the name that it calls",
            // Scanners and load balancers cause these all the time.
            RefusedCause::Protocol | RefusedCause::Timeout => return,
        };
        let mut logged = counted.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|logged| logged.elapsed() >= LOG_PAUSE) {
            *logged = Some(Instant::now());
            tracing::warn!(number, %error, "{advice}");
        }
    }
}

/// Returns why TLS did not begin.
pub(super) fn cause_of(error: &io::Error) -> RefusedCause {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    match tls {
        // What rustls says about bytes that are no record of TLS.
        Some(rustls::Error::InvalidMessage(_)) => RefusedCause::Plaintext,
        Some(_) => RefusedCause::Tls,
        None => RefusedCause::Protocol,
    }
}
