//! Connecting to Postgres.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;
use tokio_postgres::{Config, NoTls};

use super::limits::{PROBE_AFTER, PROBE_EVERY, PROBES, SESSION, UNACKNOWLEDGED};

/// Makes a connection for the pool, with the limits that the server enforces.
pub(super) async fn connect(url: String) -> ConnectionResult<AsyncPgConnection> {
    let mut config: Config = url.parse().map_err(bad)?;
    let options = config.get_options().map_or_else(|| SESSION.to_owned(), |given| format!("{SESSION} {given}"));
    config.options(options);
    if config.get_application_name().is_none() {
        config.application_name("rollcall");
    }
    dial(config).await
}

/// Makes a connection without time limits for statements, for example for schema migrations.
pub(crate) async fn connect_patiently(url: &str) -> ConnectionResult<AsyncPgConnection> {
    dial(url.parse().map_err(bad)?).await
}

/// Connects with TCP settings by which the kernel notices a lost peer. The settings in the URL have precedence.
async fn dial(mut config: Config) -> ConnectionResult<AsyncPgConnection> {
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(PROBE_AFTER).keepalives_interval(PROBE_EVERY).keepalives_retries(PROBES);
    }
    let (client, connection) = config.connect(NoTls).await.map_err(bad)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

fn bad(error: tokio_postgres::Error) -> ConnectionError {
    // The error's own text is only "db error" or "error connecting to server".
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
    ConnectionError::BadConnection(format!("{error}{cause}"))
}
