//! The limits of connections, and their end.

use std::io::ErrorKind;

use rollcall_grpc::ConnectionLimits;
use tokio::net::TcpStream;

use crate::support::{GO_AWAY, LIMITS, LimitedServer, NO_FRAMES, RawClient, SHORT};

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
    server.abort();
    let frames = client.frames_until_closed().await;
    assert!(!frames.contains(&GO_AWAY), "{frames:?}");
}
