//! TLS of the listener: its files, its settings, and the name of a client that has shown a certificate.

mod files;
mod peer;
mod reload;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use rollcall_auth::CertificateNames;
use rustls::ServerConfig;
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

pub use self::files::TlsError;

/// How often the files are read again. A change is used when two readings in a row are the same.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// The PEM files of a server with TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, followed by the intermediate certificates.
    pub certificate: PathBuf,
    /// The private key of the certificate.
    pub key: PathBuf,
    /// The authorities whose clients' certificates are accepted; `None` if clients are not asked for a certificate.
    pub client_ca: Option<PathBuf>,
    /// Whether a client without a certificate is refused. It has an effect only with `client_ca`.
    pub client_auth: ClientAuth,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// A client may connect without a certificate. A certificate that is shown must be valid.
    Optional,
    /// A client without a certificate is refused.
    Required,
}

/// The TLS settings of a server, which follow the files. Clones share them.
#[derive(Clone, Debug)]
pub struct ServerTls(watch::Receiver<Settings>);

/// How often the files have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsChanges {
    /// Changes that new connections use.
    pub used: u64,
    /// Changes that cannot be used.
    pub refused: u64,
}

/// The settings of new connections.
#[derive(Debug)]
struct Settings {
    config: Arc<ServerConfig>,
    changes: TlsChanges,
}

impl ServerTls {
    /// Reads the files, and reads them again every few seconds until the value and its clones are dropped. New
    /// connections use the newest files that can be used. Connections that are open stay open.
    ///
    /// # Errors
    /// A file cannot be read or used. The text names the file and says what to do.
    pub async fn open(files: TlsFiles) -> Result<Self, TlsError> {
        Self::open_and_poll(files, POLL_INTERVAL).await
    }

    /// The same, with another pause between two readings.
    ///
    /// # Errors
    /// As [`ServerTls::open`].
    pub async fn open_and_poll(files: TlsFiles, pause: Duration) -> Result<Self, TlsError> {
        let read = files.read().await?;
        let config = Arc::new(files.configure(&read)?);
        let (sender, receiver) = watch::channel(Settings { config, changes: TlsChanges::default() });
        tokio::spawn(reload::follow(files, read, sender, pause));
        Ok(Self(receiver))
    }

    /// Returns how often the files have changed since the start.
    #[must_use]
    pub fn changes(&self) -> TlsChanges {
        self.0.borrow().changes
    }

    /// Makes the handshake of a connection.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let config = self.0.borrow().config.clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

/// Returns the names in the certificate that the client has shown and that was verified.
///
/// # Errors
/// The certificate's names cannot be read.
pub(super) fn peer_names(stream: &TlsStream<TcpStream>) -> io::Result<Option<CertificateNames>> {
    let (_, session) = stream.get_ref();
    let Some(certificate) = session.peer_certificates().and_then(<[_]>::first) else { return Ok(None) };
    let parsed = peer::parse_names(certificate);
    parsed.map(Some).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
