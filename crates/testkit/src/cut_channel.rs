//! A channel whose connection is closed after the server has answered and before the client receives the
//! response.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf},
};
use tonic::transport::Channel;

use crate::server::TestServer;

/// The type of the HTTP/2 frame that begins a response.
const HEADERS: u8 = 1;

/// Opens a channel whose only connection is closed when the first response begins.
pub async fn cut_channel(server: &TestServer) -> Channel {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, target) = (listener.local_addr().unwrap(), server.address);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        // The listener accepts no second connection, so a client cannot reconnect.
        drop(listener);
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = TcpStream::connect(target).await.unwrap().into_split();
        let forwarding = tokio::spawn(copy(from_client, to_server));
        while let Some(frame) = read_frame(&mut from_server).await {
            if frame[3] == HEADERS || to_client.write_all(&frame).await.is_err() {
                break;
            }
        }
        forwarding.abort();
    });
    let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
    endpoint.connect_timeout(Duration::from_secs(10)).connect_lazy()
}

async fn copy(mut from: OwnedReadHalf, mut to: tokio::net::tcp::OwnedWriteHalf) {
    let _ = tokio::io::copy(&mut from, &mut to).await;
}

/// Reads one frame: a header of nine bytes, of which the first three are the length, and the payload.
async fn read_frame(from: &mut OwnedReadHalf) -> Option<Vec<u8>> {
    let mut frame = vec![0; 9];
    from.read_exact(&mut frame).await.ok()?;
    let length = usize::from(frame[0]) << 16 | usize::from(frame[1]) << 8 | usize::from(frame[2]);
    frame.resize(9 + length, 0);
    from.read_exact(&mut frame[9..]).await.ok()?;
    Some(frame)
}
