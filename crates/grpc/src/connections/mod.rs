//! Serves HTTP/2 connections: accepts them up to a limit, ends those that are of no use, and drains all of them at shutdown.

mod accept;
mod calls;
mod connection;
mod handshake;
mod refused;
mod tls;

use std::{pin::pin, time::Duration};

use http::{Request, Response};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tower::Service;

use self::{accept::Acceptor, connection::serve_connection, handshake::begin_in_time};
pub use self::{
    refused::{RefusedCause, RefusedConnections},
    tls::{ClientAuth, ServerTls, TlsChanges, TlsError, TlsFiles},
};

/// Where a server accepts connections. A [`TcpListener`] alone means connections without TLS.
#[derive(Debug)]
pub struct ServerListener {
    tcp: TcpListener,
    tls: Option<ServerTls>,
    health: Option<TcpListener>,
    refused: RefusedConnections,
}

impl ServerListener {
    /// Returns the listener for connections with TLS.
    #[must_use]
    pub fn with_tls(self, tls: ServerTls) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// Returns the listener with a second one, which answers only health checks, without TLS.
    #[must_use]
    pub fn with_health(self, health: TcpListener) -> Self {
        Self { health: Some(health), ..self }
    }

    /// Takes the listener of health checks.
    pub(crate) fn take_health(&mut self) -> Option<Self> {
        self.health.take().map(Self::from)
    }

    /// Returns the numbers of connections that did not begin.
    #[must_use]
    pub fn refused(&self) -> RefusedConnections {
        self.refused.clone()
    }
}

impl From<TcpListener> for ServerListener {
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None, health: None, refused: RefusedConnections::default() }
    }
}

/// The limits of the connections that clients open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// At most this many connections are open. Further clients wait in the kernel's queue until one closes.
    pub open: usize,
    /// How long a new connection may take to begin HTTP/2, with TLS if the server uses it.
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
    listener: ServerListener,
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
    let ServerListener { tcp, tls, refused, .. } = listener;
    let mut acceptor = Acceptor::new(tcp, limits.open);
    let mut shutdown = pin!(shutdown);
    loop {
        let (stream, permit) = tokio::select! {
            () = &mut shutdown => break,
            accepted = acceptor.accept() => accepted,
        };
        let (service, tls, refused, draining) = (service.clone(), tls.clone(), refused.clone(), draining.clone());
        connections.spawn(async move {
            let beginning = begin_in_time(stream, tls.as_ref(), limits.handshake, &refused);
            let begun = tokio::select! {
                () = draining.cancelled() => None,
                begun = beginning => begun,
            };
            if let Some(begun) = begun {
                serve_connection(begun, service, limits, &draining).await;
            }
            drop(permit);
        });
        while connections.try_join_next().is_some() {}
    }
    // Clients that connect from now on are refused at once instead of waiting for an answer.
    drop(acceptor);
    draining.cancel();
    while connections.join_next().await.is_some() {}
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use rollcall_auth::CertificateNames;
    use rollcall_testkit::TestAuthority;
    use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
    use tower::ServiceExt as _;

    use super::*;

    /// Answers with the names of the client's certificate, in a header.
    async fn name_peer(request: Request<Body>) -> Result<Response<Body>, Infallible> {
        let peer = request.extensions().get::<CertificateNames>();
        let names = peer.map(|peer| format!("{} {}", peer.subject, peer.uris.join(" ")));
        Ok(Response::builder().header("peer", names.unwrap_or_default()).body(Body::empty()).unwrap())
    }

    #[tokio::test]
    async fn each_request_has_the_verified_certificate_of_its_client() {
        let dir = tempfile::tempdir().unwrap();
        let authority = TestAuthority::new();
        let (certificate, key) = authority.server(&["localhost"]).write(dir.path());
        let client_ca = Some(dir.path().join("ca.crt"));
        std::fs::write(dir.path().join("ca.crt"), authority.pem()).unwrap();
        let files = TlsFiles { certificate, key, client_ca, client_auth: ClientAuth::Optional };
        let tls = ServerTls::open(files).await.unwrap();
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", tcp.local_addr().unwrap().port());
        let listener = ServerListener::from(tcp).with_tls(tls);
        let service = tower::service_fn(name_peer);
        tokio::spawn(serve_connections(listener, service, ConnectionLimits::default(), std::future::pending()));

        let client = authority.client("hr-sync", "spiffe://example/hr-sync");
        let anonymous = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority.pem()));
        let identified = anonymous.clone().identity(Identity::from_pem(client.certificate, client.key));
        for (tls, expected) in [(identified, "CN=hr-sync spiffe://example/hr-sync"), (anonymous, "")] {
            let mut channel =
                Channel::from_shared(url.clone()).unwrap().tls_config(tls).unwrap().connect().await.unwrap();
            for _ in 0..2 {
                let response = channel.ready().await.unwrap().call(Request::new(Body::empty())).await.unwrap();
                assert_eq!(response.headers()["peer"], expected);
            }
        }
    }
}
