//! Serves HTTP/2 connections: accepts them up to a limit, ends those that are of no use, and drains all of them at shutdown.

mod accept;
mod calls;
mod connection;
mod handshake;

use std::{pin::pin, time::Duration};

use http::{Request, Response};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::Service;

pub(crate) use self::accept::Listener;
use self::{accept::Acceptor, connection::serve_connection};

/// The limits of the connections that clients open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// At most this many connections are open. Further clients wait in the kernel's queue until one closes.
    pub open: usize,
    /// How long a new connection may take to begin HTTP/2.
    pub handshake: Duration,
    /// How long a connection stays open without a call.
    pub idle: Duration,
    /// How long a connection takes new calls; up to a tenth more or less, so that clients do not reconnect together.
    pub age: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            // Far below the number of files that a process may usually open (1,024 or more with the database's
            // connections), and far above the number of connections of ordinary clients, which share one for all calls.
            open: 900,
            // The preface is in the first packet of a client. Slow networks lose packets.
            handshake: Duration::from_secs(10),
            // Longer than the pauses of a client that works all day. A client reconnects by itself.
            idle: Duration::from_secs(15 * 60),
            // Clients learn about new servers, which a load balancer shows only to new connections.
            age: Duration::from_secs(60 * 60),
        }
    }
}

/// Serves the connections of a listener until `shutdown`, then closes the listener, and waits until every connection has
/// finished its calls. Dropping the future closes the listener and all connections.
pub(crate) async fn serve_connections<S>(
    listener: impl Listener,
    service: S,
    limits: ConnectionLimits,
    shutdown: impl Future<Output = ()> + Send,
) where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: std::error::Error + Send + Sync + 'static,
{
    let draining = CancellationToken::new();
    let mut connections = JoinSet::new();
    let mut acceptor = Acceptor::new(listener, limits.open);
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = acceptor.accept() => accepted,
        };
        let (service, draining) = (service.clone(), draining.clone());
        connections.spawn(async move {
            serve_connection(stream, service, limits, &draining).await;
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    // Clients that connect from now on are refused at once instead of waiting for an answer.
    drop(acceptor);
    draining.cancel();
    while connections.join_next().await.is_some() {}
}
