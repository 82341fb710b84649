//! The beginning of a connection: TLS, if the server uses it, and the preface by which a client shows that it speaks
//! HTTP/2.

use std::{
    io::{self, ErrorKind},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use rollcall_auth::CertificateNames;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;
use tonic::transport::server::{Connected as _, TcpConnectInfo};

use super::{
    ServerTls,
    refused::{RefusedCause, RefusedConnections, cause_of},
    tls::peer_names,
};

/// What every client sends first.
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The length of the header of a frame. The first frame of a client, its settings, follows the preface.
const FRAME_HEADER: usize = 9;

/// A connection with or without TLS.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// A connection that has begun.
pub(super) struct Begun {
    /// The connection, with all that it has received.
    pub(super) stream: Begin<Stream>,
    /// The addresses of both ends.
    pub(super) info: TcpConnectInfo,
    /// The names in the certificate of the client, if it has shown one.
    pub(super) peer: Option<CertificateNames>,
}

/// Waits until a connection has begun; at most for `limit`. Counts a connection that does not begin.
pub(super) async fn begin_in_time(
    stream: TcpStream,
    tls: Option<&ServerTls>,
    limit: Duration,
    refused: &RefusedConnections,
) -> Option<Begun> {
    match timeout(limit, begin(stream, tls)).await {
        Ok(Ok(begun)) => return Some(begun),
        Ok(Err((cause, error))) => refused.add(cause, &error),
        Err(_) => refused.add(RefusedCause::Timeout, &"the client has not begun in time"),
    }
    None
}

/// Waits until a connection has begun.
///
/// # Errors
/// The client closes the connection, or sends anything else. TLS fails.
async fn begin(stream: TcpStream, tls: Option<&ServerTls>) -> Result<Begun, (RefusedCause, io::Error)> {
    let info = stream.connect_info();
    stream.set_nodelay(true).map_err(|error| (RefusedCause::Protocol, error))?;
    let (stream, peer) = match tls {
        None => (Either::Left(stream), None),
        Some(tls) => {
            let stream = tls.accept(stream).await.map_err(|error| (cause_of(&error), error))?;
            let peer = peer_names(&stream).map_err(|error| (RefusedCause::Tls, error))?;
            (Either::Right(stream), peer)
        }
    };
    let stream = receive_preface(stream).await.map_err(|error| (RefusedCause::Protocol, error))?;
    Ok(Begun { stream, info, peer })
}

async fn receive_preface<S: AsyncRead + Unpin>(mut stream: S) -> io::Result<Begin<S>> {
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
    Ok(Begin { start, read: 0, stream })
}

/// A connection whose first bytes have been received already. They are read again.
pub(super) struct Begin<S> {
    start: [u8; PREFACE.len() + FRAME_HEADER],
    read: usize,
    stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for Begin<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let left = &self.start[self.read..];
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buffer);
        }
        let length = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..length]);
        self.read += length;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Begin<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
