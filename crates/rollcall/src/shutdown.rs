//! Shutdown: the first SIGINT or SIGTERM starts an orderly stop, the second one ends the process at once.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// Tells the parts of the process that a stop was requested.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(CancellationToken);

impl Shutdown {
    /// Starts to listen to the signals.
    ///
    /// # Errors
    /// The signal handlers cannot be installed.
    pub(crate) fn on_signals() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::doing("cannot listen to signals"));
        let signals =
            Signals { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? };
        let shutdown = Self(CancellationToken::new());
        tokio::spawn(watch(signals, shutdown.0.clone()));
        Ok(shutdown)
    }

    /// Ends when a stop is requested.
    pub(crate) fn requested(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.clone().cancelled_owned()
    }

    /// Runs the work. Returns `None` if a stop is requested before the work is done; the work is then dropped.
    pub(crate) async fn interrupts<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.requested() => None,
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Waits for the next signal. Returns its name and the exit code of a process that it ends.
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 130),
            _ = self.terminate.recv() => ("SIGTERM", 143),
        }
    }
}

async fn watch(mut signals: Signals, token: CancellationToken) {
    let (first, _) = signals.next().await;
    tracing::info!(signal = first, "stopping; a second signal ends the process at once");
    token.cancel();
    let (second, code) = signals.next().await;
    tracing::warn!(signal = second, "ending the process at once");
    // A guard process stops the embedded Postgres.
    process::exit(code);
}
