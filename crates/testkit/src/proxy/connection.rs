//! One connection through a proxy.

use std::{io, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

use super::state::{Direction, ForwardAddress, ProxyShared};

/// Accepts connections until the listener fails.
pub(super) async fn accept(listener: TcpListener, shared: Arc<ProxyShared>) {
    while let Ok((service, _)) = listener.accept().await {
        let (refusing, generation) = {
            let state = shared.lock();
            (state.refusing, state.generation)
        };
        // For the client, a connection that is dropped at once is refused.
        if !refusing {
            tokio::spawn(pass_both_ways(service, ProxyConnection::new(&shared, generation)));
        }
    }
}

type Reader = Box<dyn AsyncRead + Send + Unpin>;
type Writer = Box<dyn AsyncWrite + Send + Unpin>;

async fn connect(database: &ForwardAddress) -> io::Result<(Reader, Writer)> {
    match database {
        ForwardAddress::Unix(path) => {
            let (reader, writer) = UnixStream::connect(path).await?.into_split();
            Ok((Box::new(reader), Box::new(writer)))
        }
        ForwardAddress::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            let (reader, writer) = stream.into_split();
            Ok((Box::new(reader), Box::new(writer)))
        }
    }
}

/// Passes bytes in both directions until the connection is closed. Dropping the streams closes both sides.
async fn pass_both_ways(service: TcpStream, mut connection: ProxyConnection) {
    let Ok((from_database, to_database)) = connect(&connection.shared.database).await else { return };
    let _ = service.set_nodelay(true);
    let (mut from_service, mut to_service) = service.into_split();
    let (mut request, mut response) = (connection.clone(), connection.clone());
    tokio::select! {
        biased;
        () = connection.wait_until_database_side_closed() => {}
        () = request.pass(&mut from_service, to_database, Direction::ToDatabase) => return,
        () = response.pass(from_database, &mut to_service, Direction::ToService) => return,
    }
    // Only the database side is closed here. The service side stays open until the fault ends.
    connection.wait_until_closed().await;
}

/// One connection and its view of the state of the proxy.
#[derive(Clone)]
struct ProxyConnection {
    shared: Arc<ProxyShared>,
    generation: u64,
    changed: watch::Receiver<u64>,
}

impl ProxyConnection {
    fn new(shared: &Arc<ProxyShared>, generation: u64) -> Self {
        Self { shared: shared.clone(), generation, changed: shared.changed.subscribe() }
    }

    fn is_closed(&self) -> bool {
        self.shared.lock().generation != self.generation
    }

    async fn wait_until_database_side_closed(&mut self) {
        while !self.is_closed() && !self.shared.lock().database_side_closed && self.changed.changed().await.is_ok() {}
    }

    async fn wait_until_closed(&mut self) {
        // The sender lives as long as the connections.
        while !self.is_closed() && self.changed.changed().await.is_ok() {}
    }

    /// Waits for the end of a silence. Returns whether the connection is still open.
    async fn wait_while_silent(&mut self) -> bool {
        while self.shared.lock().silent && self.changed.changed().await.is_ok() {}
        !self.is_closed()
    }

    /// Passes bytes in one direction until one side ends.
    async fn pass(&mut self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, direction: Direction) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await
            && self.wait_while_silent().await
        {
            let allowed = self.shared.allow(direction, read);
            // If the trigger injected a silence, the rest is passed after the silence.
            let (first, rest) = buffer[..read].split_at(allowed);
            if to.write_all(first).await.is_err()
                || !self.wait_while_silent().await
                || to.write_all(rest).await.is_err()
            {
                return;
            }
        }
        // The end of the stream is also held back during a silence.
        self.wait_while_silent().await;
    }
}
