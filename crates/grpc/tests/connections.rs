//! The connections of clients: their number is limited, useless ones are closed, and a shutdown waits only for calls.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use rollcall_grpc::{ConnectionLimits, ServerLimits};
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
const HANGS: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(24 * 3600);
const SHORT: Duration = Duration::from_millis(50);

/// Limits that no test reaches.
const LIMITS: ConnectionLimits = ConnectionLimits { open: 100, handshake: LONG, idle: LONG, age: LONG };

/// The types of HTTP/2 frames.
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GO_AWAY: u8 = 7;
const NO_FRAMES: [u8; 0] = [];

/// A server with its own limits, beside a test server on the same database.
struct LimitedServer {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: JoinHandle<()>,
    beside: TestServer,
}

impl LimitedServer {
    async fn start(limits: ConnectionLimits) -> Self {
        let beside = TestServer::start().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let app = beside.app.clone();
        let ended = tokio::spawn(async move {
            let stopped = async { drop(stopped.await) };
            let limits = ServerLimits { connections: limits, ..Default::default() };
            rollcall_grpc::serve(app, vec![], listener, limits, stopped).await.unwrap();
        });
        Self { address, stop: Some(stop), ended, beside }
    }

    /// Makes a call on a connection of its own.
    fn call(&self) -> JoinHandle<Result<ListOrganizationsResponse, Status>> {
        let url = format!("http://{}", self.address);
        tokio::spawn(async move {
            let connected = OrganizationServiceClient::connect(url).await;
            let mut client = connected.map_err(|error| Status::unavailable(error.to_string()))?;
            client.list_organizations(ListOrganizationsRequest::default()).await.map(tonic::Response::into_inner)
        })
    }

    /// Makes a call that lasts until the returned client of the database ends its transaction.
    async fn call_that_waits(&self) -> (JoinHandle<Result<ListOrganizationsResponse, Status>>, tokio_postgres::Client) {
        let locker = self.beside.database.client().await;
        locker.batch_execute("BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE").await.unwrap();
        let call = self.call();
        BlockedSessions::of(&self.beside.database).await.wait_for(1).await;
        (call, locker)
    }

    /// Asks the server to stop.
    fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the server has ended.
    async fn ended(&mut self) {
        timeout(HANGS, &mut self.ended).await.expect("the server does not end").unwrap();
    }
}

/// A client that sends what it is told to, and nothing else.
struct RawClient(TcpStream);

impl RawClient {
    async fn connect(server: &LimitedServer) -> Self {
        Self(TcpStream::connect(server.address).await.unwrap())
    }

    /// Connects and sends what every client of HTTP/2 sends first: the preface and its settings.
    async fn begin(server: &LimitedServer) -> Self {
        let mut client = Self::connect(server).await;
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send_frame(SETTINGS, &[]).await;
        client
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    async fn send_frame(&mut self, kind: u8, payload: &[u8]) {
        let length = u8::try_from(payload.len()).unwrap();
        self.send(&[&[0, 0, length, kind, 0, 0, 0, 0, 0], payload].concat()).await;
    }

    /// Returns the type of the next frame, or `None` when the server has closed the connection.
    async fn next_frame(&mut self) -> Option<u8> {
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
    async fn frames_until_closed(&mut self) -> Vec<u8> {
        let mut frames = vec![];
        while let Some(kind) = self.next_frame().await {
            frames.push(kind);
        }
        frames
    }

    /// Waits until the server has answered a ping.
    async fn ping(&mut self) {
        self.send_frame(PING, &[0; 8]).await;
        while self.next_frame().await.expect("an open connection") != PING {}
    }

    /// Returns whether the server has sent nothing yet.
    fn has_received_nothing(&self) -> bool {
        let mut byte = [0];
        matches!(self.0.try_read(&mut byte), Err(error) if error.kind() == ErrorKind::WouldBlock)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_beyond_the_limit_waits_until_a_connection_closes() {
    let server = LimitedServer::start(ConnectionLimits { open: 2, ..LIMITS }).await;
    let mut first = RawClient::begin(&server).await;
    first.ping().await;
    let mut second = RawClient::begin(&server).await;
    second.ping().await;
    let mut third = RawClient::begin(&server).await;
    for _ in 0..100 {
        first.ping().await;
    }
    assert!(third.has_received_nothing());
    drop(second);
    third.ping().await;
    // Any number of connections, one after the other.
    drop((first, third));
    for _ in 0..10 {
        server.call().await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_does_not_begin_is_closed() {
    let server = LimitedServer::start(ConnectionLimits { handshake: SHORT, ..LIMITS }).await;
    let mut silent = RawClient::connect(&server).await;
    assert_eq!(silent.frames_until_closed().await, NO_FRAMES);
    let mut slow = RawClient::connect(&server).await;
    slow.send(b"PRI * HTTP/2.0").await;
    assert_eq!(slow.frames_until_closed().await, NO_FRAMES);
    let mut without_settings = RawClient::connect(&server).await;
    without_settings.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert_eq!(without_settings.frames_until_closed().await, NO_FRAMES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_another_protocol_is_disconnected_at_once() {
    let server = LimitedServer::start(LIMITS).await;
    let mut client = RawClient::connect(&server).await;
    client.send(b"GET / HTTP/1.1\r\n").await;
    assert_eq!(client.frames_until_closed().await, NO_FRAMES);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_connection_is_closed_and_a_busy_one_is_not() {
    let server = LimitedServer::start(ConnectionLimits { idle: SHORT, ..LIMITS }).await;
    let (call, locker) = server.call_that_waits().await;
    // This connection is opened later than the one of the call.
    let frames = RawClient::begin(&server).await.frames_until_closed().await;
    assert!(frames.contains(&GO_AWAY), "{frames:?}");
    locker.batch_execute("ROLLBACK").await.unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_connection_takes_no_new_calls_and_finishes_its_calls() {
    let server = LimitedServer::start(ConnectionLimits { age: SHORT, ..LIMITS }).await;
    let (call, locker) = server.call_that_waits().await;
    let frames = RawClient::begin(&server).await.frames_until_closed().await;
    assert!(frames.contains(&GO_AWAY), "{frames:?}");
    locker.batch_execute("ROLLBACK").await.unwrap();
    call.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_does_not_wait_for_silent_connections() {
    let mut server = LimitedServer::start(LIMITS).await;
    let _never_begun = RawClient::connect(&server).await;
    let mut half_frame = RawClient::begin(&server).await;
    half_frame.ping().await;
    half_frame.send(&[0, 0, 100, 1]).await;
    // A client that never confirms the end of its connection.
    let mut begun = RawClient::begin(&server).await;
    begun.ping().await;
    server.stop();
    server.ended().await;
    assert!(begun.frames_until_closed().await.contains(&GO_AWAY));
    let refused = TcpStream::connect(server.address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_in_flight_at_shutdown_is_answered() {
    let mut server = LimitedServer::start(LIMITS).await;
    let (call, locker) = server.call_that_waits().await;
    let mut idle = RawClient::begin(&server).await;
    idle.ping().await;
    server.stop();
    assert!(idle.frames_until_closed().await.contains(&GO_AWAY));
    locker.batch_execute("ROLLBACK").await.unwrap();
    call.await.unwrap().unwrap();
    server.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_dropped_closes_its_connections() {
    let server = LimitedServer::start(LIMITS).await;
    let mut client = RawClient::begin(&server).await;
    client.ping().await;
    server.ended.abort();
    let frames = client.frames_until_closed().await;
    assert!(!frames.contains(&GO_AWAY), "{frames:?}");
}
