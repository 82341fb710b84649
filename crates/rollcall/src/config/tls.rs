//! The settings of TLS: the files of the server, and the listener of health checks, which uses no TLS.

use std::{net::SocketAddr, path::PathBuf};

use rollcall_grpc::{ClientAuth, TlsFiles};

use super::values;
use crate::error::{Error, Result};

/// The settings of TLS of a server.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct TlsSettings {
    /// The server's certificate in PEM, followed by the intermediate certificates; with --tls-key, gRPC is served with TLS
    /// only. Changes of the files are noticed while the server runs
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_CERT", global = true)]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert in PEM, not encrypted
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_KEY", global = true)]
    pub(crate) tls_key: Option<PathBuf>,

    /// The certificates of the authorities that issue clients' certificates, in PEM; clients are then asked for one
    #[arg(long, value_name = "FILE", env = "ROLLCALL_TLS_CLIENT_CA", global = true)]
    pub(crate) tls_client_ca: Option<PathBuf>,

    /// Whether --tls-client-ca refuses clients without a certificate; an invalid certificate is always refused
    #[arg(
        long,
        value_name = "WHO",
        env = "ROLLCALL_TLS_CLIENT_AUTH",
        value_enum,
        default_value = "required",
        global = true
    )]
    pub(crate) tls_client_auth: ClientAuthSetting,

    /// A second address, which answers only health checks, without TLS: for probes [default: none; --listen answers them]
    #[arg(long, value_name = "IP:PORT", env = "ROLLCALL_HEALTH_LISTEN", value_parser = values::listen, global = true)]
    pub(crate) health_listen: Option<SocketAddr>,
}

/// Whether a client must show a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ClientAuthSetting {
    /// A client without a certificate is refused.
    #[default]
    #[value(help = None)]
    Required,
    /// A client may connect without a certificate.
    #[value(help = None)]
    Optional,
}

impl TlsSettings {
    /// Returns the files of a server with TLS; `None` for a server without TLS.
    ///
    /// # Errors
    /// A file is missing that belongs to the given ones.
    pub(crate) fn files(&self) -> Result<Option<TlsFiles>> {
        let Self { tls_cert, tls_key, tls_client_ca, tls_client_auth, .. } = self.clone();
        let client_auth = match tls_client_auth {
            ClientAuthSetting::Required => ClientAuth::Required,
            ClientAuthSetting::Optional => ClientAuth::Optional,
        };
        match (tls_cert, tls_key, &tls_client_ca) {
            (Some(certificate), Some(key), _) => {
                Ok(Some(TlsFiles { certificate, key, client_ca: tls_client_ca, client_auth }))
            }
            (None, None, None) => Ok(None),
            (None, None, Some(_)) => Err(Error::usage(
                "--tls-client-ca (ROLLCALL_TLS_CLIENT_CA) needs a server with TLS: give --tls-cert (ROLLCALL_TLS_CERT) and \
                 --tls-key (ROLLCALL_TLS_KEY) too",
            )),
            _ => Err(Error::usage(
                "--tls-cert (ROLLCALL_TLS_CERT) and --tls-key (ROLLCALL_TLS_KEY) belong together: give both, or none",
            )),
        }
    }
}
