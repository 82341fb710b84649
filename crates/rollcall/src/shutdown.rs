//! The end: the first SIGINT or SIGTERM asks everybody to finish, the second one ends the process at once.

use std::process;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};

/// Knows whether the process has been asked to end.
#[derive(Clone, Debug)]
pub(crate) struct Shutdown(CancellationToken);

impl Shutdown {
    /// Listens to the signals from now on.
    ///
    /// # Errors
    /// When the system lets nobody listen.
    pub(crate) fn on_signals() -> Result<Self> {
        let listen = |kind| signal(kind).map_err(Error::doing("cannot listen to signals"));
        let signals =
            Signals { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? };
        let shutdown = Self(CancellationToken::new());
        tokio::spawn(watch(signals, shutdown.0.clone()));
        Ok(shutdown)
    }

    /// Ends when the process has been asked to end.
    pub(crate) fn requested(&self) -> impl Future<Output = ()> + Send + use<> {
        self.0.clone().cancelled_owned()
    }

    /// Does the work unless the process is asked to end before it is done.
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
    /// The next signal: its name, and the exit code of a process that it ends.
    async fn next(&mut self) -> (&'static str, i32) {
        tokio::select! {
            _ = self.interrupt.recv() => ("SIGINT", 130),
            _ = self.terminate.recv() => ("SIGTERM", 143),
        }
    }
}

async fn watch(mut signals: Signals, token: CancellationToken) {
    let (first, _) = signals.next().await;
    tracing::info!(signal = first, "stopping; a second signal ends at once");
    token.cancel();
    let (second, code) = signals.next().await;
    tracing::warn!(signal = second, "ending at once");
    // The embedded Postgres, if there is one, is stopped by its guard.
    process::exit(code);
}
