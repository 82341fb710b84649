//! Counts the calls of a connection, from the request's headers to the end of the response's body.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tonic::{Status, body::Body};

/// The calls in flight of one connection.
#[derive(Clone, Debug)]
pub(super) struct CallsInFlight(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    calls: usize,
    /// When the last call ended, or the connection was opened.
    idle_since: Instant,
}

impl CallsInFlight {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { calls: 0, idle_since: Instant::now() })))
    }

    /// Counts a call until the guard is dropped.
    pub(super) fn begin(&self) -> CallGuard {
        self.state().calls += 1;
        CallGuard(self.clone())
    }

    /// Returns how long there has been no call; `None` while there is one.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        let state = self.state();
        (state.calls == 0).then(|| state.idle_since.elapsed())
    }

    /// Waits until there has been no call for this long.
    pub(super) async fn idle(&self, limit: Duration) {
        loop {
            let idle = self.idle_for().unwrap_or_default();
            if idle >= limit {
                return;
            }
            tokio::time::sleep(limit - idle).await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call in flight.
#[derive(Debug)]
pub(super) struct CallGuard(CallsInFlight);

impl CallGuard {
    /// Returns a body that holds the guard.
    pub(super) fn hold_in(self, body: Body) -> CountedBody {
        CountedBody { body, _call: self }
    }
}

impl Drop for CallGuard {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.calls -= 1;
        state.idle_since = Instant::now();
    }
}

/// The body of a response whose call is in flight until the body is dropped. HTTP/2 keeps a body until it has sent its
/// last frame.
pub(super) struct CountedBody {
    body: Body,
    _call: CallGuard,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
