//! One connection, from the end of its handshake to its own end.

use std::{pin::pin, time::Duration};

use http::{Request, Response};
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::{Service, ServiceExt as _};

use super::{ConnectionLimits, calls::CallsInFlight, handshake::Begun};

/// How many calls a client may have in flight on one connection.
const CALLS_MAX: u32 = 256;

/// How often a client must show that it is there, and how long it has for that. A lost client is noticed so, also while
/// it waits for a slow call.
const PING_INTERVAL: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How long a client without a call in flight has to confirm that it sends no new calls. The calls that it has sent before
/// its confirmation are still answered.
const CONFIRMATION_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a connection that takes no new calls waits for its calls. No call has a longer deadline.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(3600);

/// Serves a connection until its client closes it, a limit is reached, or the server drains its connections.
pub(super) async fn serve_connection<S>(
    begun: Begun,
    service: S,
    limits: ConnectionLimits,
    draining: &CancellationToken,
) where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
{
    let Begun { stream, info, peer } = begun;
    let calls = CallsInFlight::new();
    let counter = calls.clone();
    let answer = service_fn(move |request: Request<Incoming>| {
        let call = counter.begin();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(info.clone());
        if let Some(peer) = &peer {
            request.extensions_mut().insert(peer.clone());
        }
        let answered = service.clone().oneshot(request);
        async move { Ok::<_, S::Error>(answered.await?.map(|body| call.hold_in(body))) }
    });
    let mut connection = pin!(http2_builder().serve_connection(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = end_of_use(&calls, limits, draining) => {
            // Sends GOAWAY. The connection ends when the client has confirmed it and all calls have ended.
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                ended = connection.as_mut() => ended,
                () = end_of_calls(&calls) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection failed");
    }
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    // Two limits keep the defaults of hyper: how many streams a client may reset, and how large headers may be.
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(CALLS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT);
    builder
}

/// Waits until a connection should take no new calls.
async fn end_of_use(calls: &CallsInFlight, limits: ConnectionLimits, draining: &CancellationToken) {
    let age = limits.age.mul_f64(rand::random_range(0.9..=1.1));
    tokio::select! {
        () = draining.cancelled() => {}
        () = calls.idle(limits.idle) => tracing::debug!("a connection is idle for too long"),
        () = sleep(age) => tracing::debug!("a connection is too old"),
    }
}

/// Waits until a connection that takes no new calls can be closed although its client has not confirmed that.
async fn end_of_calls(calls: &CallsInFlight) {
    let idle = async {
        sleep(CONFIRMATION_TIMEOUT).await;
        calls.idle(CONFIRMATION_TIMEOUT).await;
    };
    if timeout(DRAIN_TIMEOUT, idle).await.is_err() {
        tracing::debug!("a connection is closed although a call on it does not end");
    }
}
