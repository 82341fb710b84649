//! Connecting to Postgres.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::{Config, NoTls};

use super::{
    address::DatabaseAddress,
    limits::{PROBE_AFTER, PROBE_EVERY, PROBES, SESSION, UNACKNOWLEDGED},
    tls::{DatabaseTls, advice},
};

/// Makes a connection for the pool, with the limits that the server enforces.
pub(super) async fn connect(address: DatabaseAddress) -> ConnectionResult<AsyncPgConnection> {
    let DatabaseAddress { mut config, tls } = address;
    let options = config.get_options().map_or_else(|| SESSION.to_owned(), |given| format!("{SESSION} {given}"));
    config.options(options);
    if config.get_application_name().is_none() {
        config.application_name("rollcall");
    }
    dial(config, &tls).await
}

/// Makes a connection without time limits for statements, for example for schema migrations.
pub(crate) async fn connect_patiently(url: &str) -> ConnectionResult<AsyncPgConnection> {
    let DatabaseAddress { config, tls } = url.parse().map_err(ConnectionError::BadConnection)?;
    dial(config, &tls).await
}

/// Connects with TCP settings by which the kernel notices a lost peer. The settings in the URL have precedence.
async fn dial(mut config: Config, tls: &DatabaseTls) -> ConnectionResult<AsyncPgConnection> {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(PROBE_AFTER).keepalives_interval(PROBE_EVERY).keepalives_retries(PROBES);
    }
    let bad = |error| ConnectionError::BadConnection(text_of(&error));
    match tls.connector().await.map_err(|error| ConnectionError::BadConnection(error.to_string()))? {
        None => {
            let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
        Some(tls) => {
            let (client, connection) = config.connect(tls).await.map_err(bad)?;
            AsyncPgConnection::try_from_client_and_connection(client, connection).await
        }
    }
}

/// Returns an error of the driver with its cause, and what to do about an error of TLS.
pub(super) fn text_of(error: &tokio_postgres::Error) -> String {
    // The error's own text is only "db error" or "error connecting to server".
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}{}", advice(error))
}
