//! The beginning of a connection: a client must show that it speaks HTTP/2. TLS will be here, before that.

use std::io::{self, Cursor, ErrorKind};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::TcpStream,
};

/// What every client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the header of a frame. The first frame of a client, its settings, follows the preface.
const FRAME_HEADER: usize = 9;

/// Waits for the preface and the first frame, and returns the connection with all that it has received.
///
/// # Errors
/// The client closes the connection, or sends anything else.
pub(super) async fn receive_preface(mut stream: TcpStream) -> io::Result<impl AsyncRead + AsyncWrite + Unpin + Send> {
    let mut start = [0; PREFACE.len() + FRAME_HEADER];
    let mut length = 0;
    while length < start.len() {
        let received = stream.read(&mut start[length..]).await?;
        if received == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        length += received;
        if !PREFACE.starts_with(&start[..length.min(PREFACE.len())]) {
            return Err(io::Error::new(ErrorKind::InvalidData, "the client does not speak HTTP/2"));
        }
    }
    let (reader, writer) = stream.into_split();
    Ok(tokio::io::join(Cursor::new(start).chain(reader), writer))
}
