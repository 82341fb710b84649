//! Reads the PEM files of a server, and makes its TLS settings of them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
};

use super::{ClientAuth, TlsFiles};

/// Why files cannot be used. The text names the file and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TlsError(String);

/// What the files contain.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FileContents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl TlsFiles {
    /// Reads the files.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) async fn read(&self) -> Result<FileContents, TlsError> {
        Ok(FileContents {
            certificate: read(&self.certificate).await?,
            key: read(&self.key).await?,
            client_ca: match &self.client_ca {
                Some(path) => Some(read(path).await?),
                None => None,
            },
        })
    }

    /// Makes the settings of new connections.
    ///
    /// # Errors
    /// A file has not what it must have, or the key does not belong to the certificate.
    pub(super) fn configure(&self, contents: &FileContents) -> Result<ServerConfig, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let chain = certificates(&self.certificate, &contents.certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&contents.key).map_err(|_| {
            let advice = "give an unencrypted key in PEM, such as one that begins with BEGIN PRIVATE KEY";
            problem(&self.key, &format!("it has no private key; {advice}"))
        })?;
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError(error.to_string()))?;
        let builder = match self.client_ca.as_ref().zip(contents.client_ca.as_ref()) {
            Some((path, pem)) => builder.with_client_cert_verifier(self.client_verifier(path, pem, provider)?),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| {
            let text = format!("it cannot be used with the key {}: {error}", self.key.display());
            problem(&self.certificate, &format!("{text}; give a certificate and the key that belongs to it"))
        })?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        // A resumed session would not verify the client's certificate again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    fn client_verifier(
        &self,
        path: &Path,
        pem: &[u8],
        provider: Arc<CryptoProvider>,
    ) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path, pem)? {
            roots.add(certificate).map_err(|error| problem(path, &format!("a certificate cannot be used: {error}")))?;
        }
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let builder = match self.client_auth {
            ClientAuth::Optional => builder.allow_unauthenticated(),
            ClientAuth::Required => builder,
        };
        builder.build().map_err(|error| problem(path, &format!("the certificates cannot be used: {error}")))
    }
}

async fn read(path: &PathBuf) -> Result<Vec<u8>, TlsError> {
    tokio::fs::read(path).await.map_err(|error| problem(path, &format!("it cannot be read: {error}")))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(problem(path, "it has no certificate; give a file in PEM, which has a line BEGIN CERTIFICATE")),
    }
}

fn problem(path: &Path, what: &str) -> TlsError {
    TlsError(format!("the file {}: {what}", path.display()))
}
