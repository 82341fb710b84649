//! One connection through a proxy.

use std::sync::Arc;

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

use super::{Shared, Way};

pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((service, _)) = listener.accept().await {
        let (refusing, generation) = {
            let state = shared.lock();
            (state.refusing, state.generation)
        };
        // Dropped at once, one is refused as far as a client can tell.
        if !refusing {
            tokio::spawn(carry(service, Line::new(&shared, generation)));
        }
    }
}

/// Dropping both ends breaks them.
async fn carry(service: TcpStream, mut line: Line) {
    let Ok(database) = UnixStream::connect(&line.shared.socket).await else { return };
    let _ = service.set_nodelay(true);
    let (mut from_service, mut to_service) = service.into_split();
    let (from_database, to_database) = database.into_split();
    let (mut there, mut back) = (line.clone(), line.clone());
    tokio::select! {
        biased;
        () = line.lost_or_broken() => {}
        () = there.pass(&mut from_service, to_database, Way::ToDatabase) => return,
        () = back.pass(from_database, &mut to_service, Way::ToService) => return,
    }
    // By now the database's side is closed, and after a loss only that.
    line.broken().await;
}

/// What one connection knows of the proxy's state.
#[derive(Clone)]
struct Line {
    shared: Arc<Shared>,
    generation: u64,
    changed: watch::Receiver<u64>,
}

impl Line {
    fn new(shared: &Arc<Shared>, generation: u64) -> Self {
        Self { shared: shared.clone(), generation, changed: shared.changed.subscribe() }
    }

    fn is_broken(&self) -> bool {
        self.shared.lock().generation != self.generation
    }

    async fn lost_or_broken(&mut self) {
        let is_lost = |line: &Self| line.shared.lock().lost;
        while !self.is_broken() && !is_lost(self) && self.changed.changed().await.is_ok() {}
    }

    async fn broken(&mut self) {
        // The sender lives as long as the connections do.
        while !self.is_broken() && self.changed.changed().await.is_ok() {}
    }

    /// Waits for the end of a silence; whether the connection outlived it.
    async fn is_heard(&mut self) -> bool {
        while self.shared.lock().silent && self.changed.changed().await.is_ok() {}
        !self.is_broken()
    }

    async fn pass(&mut self, mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, way: Way) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await
            && self.is_heard().await
        {
            let allowed = self.shared.allow(way, read);
            // If the trap has sprung and that is a silence, the rest follows after it.
            let (first, rest) = buffer[..read].split_at(allowed);
            if to.write_all(first).await.is_err() || !self.is_heard().await || to.write_all(rest).await.is_err() {
                return;
            }
        }
        // An end is not told either while it is silent.
        self.is_heard().await;
    }
}
