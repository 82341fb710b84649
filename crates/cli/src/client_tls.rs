//! TLS of a command that calls a server.

use std::{
    error::Error as StdError,
    io,
    path::{Path, PathBuf},
};

use rustls::{CertificateError, Error as TlsError};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};
use url::Url;

use crate::error::{Error, Result, add_causes};

/// How a command uses TLS.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ClientTlsArguments {
    /// For an https:// target: the file with the trusted certificate authorities, in PEM [default: the authorities that
    /// the operating system trusts]
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_CA", global = true)]
    pub tls_ca: Option<PathBuf>,

    /// For an https:// target: the certificate of this client, in PEM
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_CLIENT_CERT", global = true)]
    pub tls_client_cert: Option<PathBuf>,

    /// For an https:// target: the private key of --tls-client-cert in PEM, not encrypted
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_CLIENT_KEY", global = true)]
    pub tls_client_key: Option<PathBuf>,

    /// For an https:// target: the name that the server's certificate must have [default: the host of the target]
    #[arg(long, value_name = "NAME", env = "ROLLCALL_TLS_SERVER_NAME", global = true)]
    pub tls_server_name: Option<String>,
}

impl ClientTlsArguments {
    /// Returns the settings of a connection; `None` for a target without TLS.
    ///
    /// # Errors
    /// A file cannot be read or does not have what it must have, or the target has no TLS although files are given.
    pub(crate) fn settings(&self, target: &Url) -> Result<Option<ClientTlsConfig>> {
        let is_given = self.tls_ca.is_some() || self.tls_client_cert.is_some() || self.tls_client_key.is_some();
        if target.scheme() != "https" {
            let advice = "give an https:// address, or leave out the --tls flags and their variables";
            let refused = Error::usage(format!("{target} is called without TLS: {advice}"));
            return if is_given || self.tls_server_name.is_some() { Err(refused) } else { Ok(None) };
        }
        let mut settings = ClientTlsConfig::new();
        settings = match &self.tls_ca {
            Some(path) => settings.ca_certificate(Certificate::from_pem(read(path, "--tls-ca", "CERTIFICATE")?)),
            None => settings.with_native_roots(),
        };
        settings = match (&self.tls_client_cert, &self.tls_client_key) {
            (Some(certificate), Some(key)) => {
                let certificate = read(certificate, "--tls-client-cert", "CERTIFICATE")?;
                settings.identity(Identity::from_pem(certificate, read(key, "--tls-client-key", "PRIVATE KEY")?))
            }
            (None, None) => settings,
            _ => {
                return Err(Error::usage("--tls-client-cert and --tls-client-key belong together: give both, or none"));
            }
        };
        Ok(Some(match &self.tls_server_name {
            Some(name) => settings.domain_name(name),
            None => settings,
        }))
    }
}

fn read(path: &Path, flag: &str, content: &str) -> Result<String> {
    let text = std::fs::read_to_string(path).map_err(Error::doing(format!("cannot read {flag} {}", path.display())))?;
    if !text.contains(&format!("{content}-----")) {
        let path = path.display();
        return Err(Error::failed(format!(
            "{flag} {path} has no {} in PEM; give another file",
            content.to_lowercase()
        )));
    }
    Ok(text)
}

/// What a person can do about a server that refuses the client's certificate, or a client without one.
const CERTIFICATE_ADVICE: &str =
    "the server asks for a certificate that it accepts: give --tls-client-cert and --tls-client-key";

/// Returns what a person can do about a server that closes a new connection.
pub(crate) fn advice_if_closed(target: &Url) -> &'static str {
    match target.scheme() {
        // The certificate of the client is verified after the handshake has ended for the client.
        "https" => CERTIFICATE_ADVICE,
        _ => "does the server use TLS? Then give an https:// address",
    }
}

/// Returns what a person can do about a server that cannot be reached.
pub(crate) fn advice(target: &Url, error: &(dyn StdError + 'static)) -> &'static str {
    let is_tls = target.scheme() == "https";
    let text = add_causes(error.to_string(), error);
    match find(error, |error| error.downcast_ref::<TlsError>()) {
        Some(TlsError::InvalidCertificate(CertificateError::UnknownIssuer)) => {
            "give the certificate of the authority that issued the server's certificate as --tls-ca"
        }
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => {
            "the server's certificate has another name: give a --target with that name, or the name as --tls-server-name"
        }
        Some(TlsError::InvalidMessage(_)) => "the server answers without TLS: give an http:// address",
        _ if find(error, |error| error.downcast_ref::<io::Error>()).is_some_and(|error| is_refused(error.kind())) => {
            "start `rollcall serve` there, or give another --target"
        }
        // HTTP/2 keeps only the text of an alert.
        _ if is_tls && text.contains("received fatal alert") => CERTIFICATE_ADVICE,
        _ if is_tls => "does the server use TLS? If not, give an http:// address",
        _ => "does the server use TLS? Then give an https:// address",
    }
}

fn is_refused(kind: io::ErrorKind) -> bool {
    use io::ErrorKind::{ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut};
    [ConnectionRefused, HostUnreachable, NetworkUnreachable, TimedOut].contains(&kind)
}

/// Returns what the first fitting cause of an error has. The cause of an `io::Error` is inside of it.
fn find<'e, T>(
    error: &'e (dyn StdError + 'static),
    get: impl Fn(&'e (dyn StdError + 'static)) -> Option<&'e T>,
) -> Option<&'e T> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.map(|inner| inner as &(dyn StdError + 'static));
        if let Some(found) = inner.and_then(&get).or_else(|| get(error)) {
            return Some(found);
        }
        cause = inner.and_then(StdError::source).or_else(|| error.source());
    }
    None
}
