//! Accepts connections up to a limit, and waits longer and longer while the system can accept none.

use std::{
    io::{self, ErrorKind},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep},
};

/// The first pause after an error, which each further error doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The limit is logged once in this time, however often it is reached.
const LOG_PAUSE: Duration = Duration::from_secs(60);

/// Where connections come from.
pub(super) trait Listener: Send {
    /// Waits for the next connection.
    fn accept(&mut self) -> impl Future<Output = io::Result<TcpStream>> + Send;
}

impl Listener for TcpListener {
    async fn accept(&mut self) -> io::Result<TcpStream> {
        Self::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Accepts connections and counts the open ones.
pub(super) struct Acceptor<L> {
    listener: L,
    open: Arc<Semaphore>,
    limit: usize,
    limit_logged: Option<Instant>,
}

impl<L: Listener> Acceptor<L> {
    pub(super) fn new(listener: L, limit: usize) -> Self {
        Self { listener, open: Arc::new(Semaphore::new(limit)), limit, limit_logged: None }
    }

    /// Waits until a further connection may be open, then for the connection. The connection counts as open as long as
    /// the permit is held.
    ///
    /// The order matters: a connection that is accepted and then waits would use a file of the process.
    pub(super) async fn accept(&mut self) -> (TcpStream, OwnedSemaphorePermit) {
        let permit = self.permit().await;
        let mut failures = 0;
        loop {
            match self.listener.accept().await {
                Ok(stream) => {
                    if failures > 0 {
                        tracing::info!(failures, "connections are accepted again");
                    }
                    return (stream, permit);
                }
                Err(error) if concerns_one_connection(&error) => {}
                Err(error) => {
                    if failures == 0 {
                        tracing::error!(%error, "cannot accept connections; further errors are not logged until one is accepted");
                    }
                    sleep(pause_after(failures)).await;
                    failures += 1;
                }
            }
        }
    }

    async fn permit(&mut self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = self.open.clone().try_acquire_owned() {
                return permit;
            }
            if self.limit_logged.is_none_or(|logged| logged.elapsed() >= LOG_PAUSE) {
                tracing::warn!(limit = self.limit, "the limit of open connections is reached; further clients wait");
                self.limit_logged = Some(Instant::now());
            }
            // The semaphore is never closed.
            if let Ok(permit) = self.open.clone().acquire_owned().await {
                return permit;
            }
        }
    }
}

/// Returns whether the error is about a connection that its client has given up. The next one may be accepted at once.
fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::Interrupted)
}

/// Returns the pause after an error that follows `failures` others.
fn pause_after(failures: u32) -> Duration {
    PAUSE_MIN.saturating_mul(2_u32.saturating_pow(failures)).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A listener that fails a few times before each connection.
    struct Failing(TcpListener, Vec<io::Error>);

    impl Listener for Failing {
        async fn accept(&mut self) -> io::Result<TcpStream> {
            match self.1.pop() {
                Some(error) => Err(error),
                None => Listener::accept(&mut self.0).await,
            }
        }
    }

    /// The error of a process that has no more files.
    fn too_many_files() -> io::Error {
        io::Error::from_raw_os_error(24)
    }

    /// Accepts a connection after some errors, and returns the time it took.
    async fn time_after(errors: Vec<io::Error>) -> Duration {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut acceptor = Acceptor::new(Failing(listener, errors), 1);
        let start = Instant::now();
        let _connection = acceptor.accept().await;
        start.elapsed()
    }

    #[tokio::test]
    async fn a_connection_is_accepted_after_errors_of_the_system_and_growing_pauses() {
        let took = time_after((0..4).map(|_| too_many_files()).collect()).await;
        assert!(took >= Duration::from_millis(10 + 20 + 40 + 80), "{took:?}");
    }

    #[tokio::test]
    async fn clients_that_give_up_cause_no_pauses() {
        // With pauses, this would take more than an hour.
        time_after((0..5000).map(|_| ErrorKind::ConnectionAborted.into()).collect()).await;
    }

    #[test]
    fn a_pause_has_a_maximum() {
        assert_eq!([0, 6, 7, 40, u32::MAX].map(pause_after).map(|it| it.as_millis()), [10, 640, 1000, 1000, 1000]);
    }
}
