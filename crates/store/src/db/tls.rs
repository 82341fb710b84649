//! TLS to Postgres: what is verified, and the certificate of this client. The files are read for each connection, so new
//! sessions use changed files without a restart.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject as _},
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How connections to a database use TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseTls {
    pub(super) enabled: bool,
    pub(super) verify: Verify,
    /// The files of this client's certificate and its key.
    pub(super) identity: Option<(PathBuf, PathBuf)>,
}

/// What is verified of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verify {
    /// Nothing: an attacker on the network can read and change everything.
    Nothing,
    /// That an authority in this file has issued the server's certificate.
    Authority(PathBuf),
    /// The authority, and that the certificate has the host of the URL.
    Host(Roots),
}

/// The authorities that are trusted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the operating system.
    System,
    /// Those of a file in PEM.
    File(PathBuf),
}

impl DatabaseTls {
    /// Reads the files, and returns what makes TLS on a connection; `None` for connections without TLS.
    ///
    /// # Errors
    /// A file cannot be read or used. The text names the file.
    pub(super) async fn connector(&self) -> io::Result<Option<MakeRustlsConnect>> {
        if !self.enabled {
            return Ok(None);
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(self.verifier(provider).await?);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((path, key_path)) => {
                let (chain, key) = (certificates(path).await?, private_key(key_path).await?);
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    problem(path, &format!("it cannot be used with the key {}: {error}", key_path.display()))
                })?
            }
        };
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Some(MakeRustlsConnect::new(config)))
    }
}

impl DatabaseTls {
    /// Returns what verifies the server's certificate.
    async fn verifier(&self, provider: Arc<CryptoProvider>) -> io::Result<Arc<dyn ServerCertVerifier>> {
        let roots = match &self.verify {
            Verify::Nothing => return Ok(Arc::new(LaxVerifier::new(None, &provider))),
            Verify::Authority(path) | Verify::Host(Roots::File(path)) => roots_in(path).await?,
            Verify::Host(Roots::System) => system_roots().await?,
        };
        let builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let verifier = builder.build().map_err(io::Error::other)?;
        Ok(match &self.verify {
            Verify::Authority(_) => Arc::new(LaxVerifier::new(Some(verifier), &provider)),
            _ => verifier,
        })
    }
}

/// Verifies less than TLS usually does: only the authority, or nothing. The server must still own the key of the
/// certificate that it shows.
#[derive(Debug)]
struct LaxVerifier {
    /// Verifies the authority.
    authority: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl LaxVerifier {
    fn new(authority: Option<Arc<WebPkiServerVerifier>>, provider: &CryptoProvider) -> Self {
        Self { authority, algorithms: provider.signature_verification_algorithms }
    }
}

impl ServerCertVerifier for LaxVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let Some(authority) = &self.authority else { return Ok(ServerCertVerified::assertion()) };
        match authority.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            // rustls compares the name last, after everything else was found valid.
            Err(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Returns what to do about an error of TLS, to be added to the error's text; empty for other errors.
pub(super) fn advice(error: &(dyn std::error::Error + 'static)) -> &'static str {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        match inner.and_then(|inner| inner.downcast_ref::<TlsError>()) {
            Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
                return "; sslrootcert in DATABASE_URL must name the authority that issued the server's certificate";
            }
            Some(TlsError::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => return "; the host in DATABASE_URL must be a name in the server's certificate",
            Some(TlsError::AlertReceived(_)) => {
                return "; the server refuses this client: compare sslcert in DATABASE_URL with the server's ssl_ca_file";
            }
            _ if error.to_string() == "server does not support TLS" => {
                return "; turn on `ssl` in the server's postgresql.conf, or give another sslmode in DATABASE_URL";
            }
            _ => cause = error.source(),
        }
    }
    ""
}

async fn roots_in(path: &Path) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path).await? {
        roots.add(certificate).map_err(|error| problem(path, &format!("a certificate cannot be used: {error}")))?;
    }
    Ok(roots)
}

async fn system_roots() -> io::Result<RootCertStore> {
    let loaded = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        return Err(io::Error::other("the system has no authorities (ca-certificates); name some with sslrootcert"));
    }
    Ok(roots)
}

async fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let pem = read(path).await?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| problem(path, "it has no certificate in PEM"))
}

async fn private_key(path: &Path) -> io::Result<PrivateKeyDer<'static>> {
    let pem = read(path).await?;
    let advice = "it has no private key in PEM; give one that is not encrypted";
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| problem(path, advice))
}

async fn read(path: &Path) -> io::Result<Vec<u8>> {
    tokio::fs::read(path).await.map_err(|error| problem(path, &format!("it cannot be read: {error}")))
}

fn problem(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("the file {}: {what}", path.display()))
}
