//! Opens the addresses on which a process listens.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use rollcall_grpc::{ServerListener, ServerTls};
use tokio::net::TcpListener;

use crate::{
    config::Config,
    error::{Error, Result},
};

/// Opens the listener of a server that answers calls, with TLS and a listener for health checks if they are configured.
/// Returns the listener and its address.
///
/// # Errors
/// An address is in use, or the files of TLS cannot be used.
pub(crate) async fn open(config: &Config) -> Result<(ServerListener, SocketAddr)> {
    let files = config.tls.files()?;
    let (tcp, address) = bind(config.listen, "--listen (ROLLCALL_LISTEN)").await?;
    let mut listener = ServerListener::from(tcp);
    if let Some(files) = files {
        let tls = ServerTls::open(files).await.map_err(Error::doing("cannot serve with TLS"))?;
        listener = listener.with_tls(tls);
    }
    if let Some(health) = config.tls.health_listen {
        let (probes, address) = bind(health, "--health-listen (ROLLCALL_HEALTH_LISTEN)").await?;
        tracing::info!(%address, "answering health checks");
        listener = listener.with_health(probes);
    }
    Ok((listener, address))
}

/// Opens the listener of a process that answers only health checks. It uses no TLS: a check says nothing about anybody.
///
/// # Errors
/// The address is in use.
pub(crate) async fn open_health(config: &Config) -> Result<(ServerListener, SocketAddr)> {
    let (tcp, address) = match config.tls.health_listen {
        Some(address) => bind(address, "--health-listen (ROLLCALL_HEALTH_LISTEN)").await?,
        None => bind(config.listen, "--listen (ROLLCALL_LISTEN)").await?,
    };
    Ok((ServerListener::from(tcp), address))
}

async fn bind(address: SocketAddr, setting: &str) -> Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await.map_err(|error| not_listening(address, setting, &error))?;
    let address = listener.local_addr().map_err(Error::doing("cannot read the address of the listener"))?;
    Ok((listener, address))
}

fn not_listening(address: SocketAddr, setting: &str, error: &io::Error) -> Error {
    let hint = format!("choose another address with {setting}");
    match error.kind() {
        ErrorKind::AddrInUse => {
            Error::failed(format!("{address} is in use, perhaps by another rollcall: stop that program, or {hint}"))
        }
        _ => Error::failed(format!("cannot listen on {address}: {error}; {hint}")),
    }
}
