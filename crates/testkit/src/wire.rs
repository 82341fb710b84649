//! A connection to the server that breaks when the server has answered and before the caller has
//! heard of it.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};
use tonic::transport::Channel;

use crate::TestServer;

/// The type of an HTTP/2 frame that begins an answer.
const HEADERS: u8 = 1;

/// A channel whose one connection is cut at the moment at which the first answer begins.
pub async fn breaking_channel(server: &TestServer) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), server.address);
    tokio::spawn(async move {
        let (caller, _) = listener.accept().await.unwrap();
        // Nobody else is let in: a client that connects again finds nobody.
        drop(listener);
        let (from_caller, mut to_caller) = caller.into_split();
        let (mut from_server, to_server) = TcpStream::connect(target).await.unwrap().into_split();
        let asking = tokio::spawn(copy(from_caller, to_server));
        while let Some(frame) = read_frame(&mut from_server).await {
            if frame[3] == HEADERS || to_caller.write_all(&frame).await.is_err() {
                break;
            }
        }
        asking.abort();
    });
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy()
}

async fn copy(mut from: OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// One frame whole: its header of nine bytes, of which three are the length, and the payload.
async fn read_frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut frame = vec![0; 9];
    from.read_exact(&mut frame).await.ok()?;
    let length = usize::from(frame[0]) << 16 | usize::from(frame[1]) << 8 | usize::from(frame[2]);
    frame.resize(9 + length, 0);
    from.read_exact(&mut frame[9..]).await.ok()?;
    Some(frame)
}
