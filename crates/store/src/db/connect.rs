//! How a connection is made.

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::AsyncPgConnection;

pub(super) async fn connect(url: String) -> ConnectionResult<AsyncPgConnection> {
    let bad = |error: tokio_postgres::Error| {
        // The error itself only says "db error" or "error connecting to server".
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        ConnectionError::BadConnection(format!("{error}{cause}"))
    };
    let mut config: tokio_postgres::Config = url.parse().map_err(bad)?;
    // A statement that hangs, or a process that stops inside a transaction, must not hold an
    // organization's lock for ever. Whoever opens a cursor reads all of it.
    let limits = "-c statement_timeout=120s -c idle_in_transaction_session_timeout=120s -c timezone=UTC \
        -c cursor_tuple_fraction=1";
    let options = config.get_options().map_or_else(|| limits.to_owned(), |given| format!("{limits} {given}"));
    config.options(options);
    if config.get_application_name().is_none() {
        config.application_name("rollcall");
    }
    let (client, connection) = config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}
