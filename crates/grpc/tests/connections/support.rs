//! A server with limits of its own, and a client that sends single frames.

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use rollcall_grpc::{ConnectionLimits, RefusedCause, RefusedConnections, ServerLimits, ServerListener, ServerTls};
use rollcall_proto::v1::{
    ListOrganizationsRequest, ListOrganizationsResponse, organization_service_client::OrganizationServiceClient,
};
use rollcall_testkit::{BlockedSessions, TestServer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
    time::timeout,
};
use tonic::Status;

/// The end of a test that waits for something that does not happen.
pub(crate) const HANGS: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(24 * 3600);
pub(crate) const SHORT: Duration = Duration::from_millis(50);

/// Limits that no test reaches.
pub(crate) const LIMITS: ConnectionLimits = ConnectionLimits { open: 100, handshake: LONG, idle: LONG, age: LONG };

/// The types of HTTP/2 frames.
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GO_AWAY: u8 = 7;
pub(crate) const NO_FRAMES: [u8; 0] = [];

/// A server with its own limits, beside a test server on the same database.
pub(crate) struct LimitedServer {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
    refused: RefusedConnections,
    pub(crate) beside: TestServer,
}

impl LimitedServer {
    pub(crate) async fn start(limits: ConnectionLimits) -> Self {
        Self::start_with(limits, None).await
    }

    pub(crate) async fn start_with(limits: ConnectionLimits, tls: Option<ServerTls>) -> Self {
        let beside = TestServer::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = ServerListener::from(listener);
        let listener = tls.into_iter().fold(listener, ServerListener::with_tls);
        let refused = listener.refused();
        let (stop, stopped) = oneshot::channel();
        let app = beside.app.clone();
        let ended = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let limits = ServerLimits { connections: limits, ..Default::default() };
            rollcall_grpc::serve(app, vec![], listener, limits, stopped).await.unwrap();
        });
        Self { address, stop: Some(stop), ended, refused, beside }
    }

    /// Makes a call on a connection of its own.
    pub(crate) fn call(&self) -> JoinHandle<Result<ListOrganizationsResponse, Status>> {
        let url = format!("http://{}", self.address);
        tokio::spawn(async move {
            let connected = OrganizationServiceClient::connect(url).await;
            let mut client = connected.map_err(|error| Status::unavailable(error.to_string()))?;
            client.list_organizations(ListOrganizationsRequest::default()).await.map(tonic::Response::into_inner)
        })
    }

    /// Makes a call that lasts until the returned client of the database ends its transaction.
    pub(crate) async fn call_that_waits(
        &self,
    ) -> (JoinHandle<Result<ListOrganizationsResponse, Status>>, tokio_postgres::Client) {
        let locker = self.beside.database.client().await;
        locker.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let call = self.call();
        BlockedSessions::of(&self.beside.database).await.wait_for(1).await;
        (call, locker)
    }

    /// Waits until at least this many connections have not begun for the cause. A client may have tried again.
    pub(crate) async fn wait_for_refused(&self, cause: RefusedCause, number: u64) {
        let reached = async {
            while self.refused.count(cause) < number {
                tokio::task::yield_now().await;
            }
        };
        timeout(HANGS, reached).await.expect("fewer connections are refused");
    }

    /// Closes everything at once.
    pub(crate) fn abort(&self) {
        self.ended.abort();
    }

    /// Asks the server to stop.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the server has ended.
    pub(crate) async fn ended(&mut self) {
        timeout(HANGS, &mut self.ended).await.expect("the server does not end").unwrap();
    }
}

/// A client that sends what it is told to, and nothing else.
pub(crate) struct RawClient(TcpStream);

impl RawClient {
    pub(crate) async fn connect(server: &LimitedServer) -> Self {
        Self(TcpStream::connect(server.address).await.unwrap())
    }

    /// Connects and sends what every client of HTTP/2 sends first: the preface and its settings.
    pub(crate) async fn begin(server: &LimitedServer) -> Self {
        let mut client = Self::connect(server).await;
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send_frame(SETTINGS, &[]).await;
        client
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn send_frame(&mut self, kind: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        self.send(&[&[0, 0, length, kind, 0, 0, 0, 0, 0], payload].concat()).await;
    }

    /// Returns the type of the next frame, or `None` when the server has closed the connection.
    pub(crate) async fn next_frame(&mut self) -> Option<u8> {
        let mut header = [0; 9];
        match timeout(HANGS, self.0.read_exact(&mut header)).await.expect("the server sends and closes nothing") {
            Ok(_) => {}
            Err(error) if [ErrorKind::UnexpectedEof, ErrorKind::ConnectionReset].contains(&error.kind()) => {
                return None;
            }
            Err(error) => panic!("{error}"),
        }
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        self.0.read_exact(&mut vec![0; length as usize]).await.unwrap();
        Some(header[3])
    }

    /// Returns the types of all frames until the server closes the connection.
    pub(crate) async fn frames_until_closed(&mut self) -> Vec<u8> {
        let mut frames = vec![];
        while let Some(kind) = self.next_frame().await {
            frames.push(kind);
        }
        frames
    }

    /// Waits until the server has answered a ping.
    pub(crate) async fn ping(&mut self) {
        self.send_frame(PING, &[0; 8]).await;
        while self.next_frame().await.expect("an open connection") != PING {}
    }

    /// Returns whether the server has sent nothing yet.
    pub(crate) fn has_received_nothing(&self) -> bool {
        let mut byte = [0];
        matches!(self.0.try_read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}
