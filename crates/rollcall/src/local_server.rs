//! Connects a command to a server: the one at `--target`, or one in this process for the time of the command.

use rollcall_cli::ServerConnection;
use url::Url;

use crate::{
    config::{AuthSettings, Config},
    database::Database,
    error::{Error, Result},
    serve::{Service, Work},
    shutdown::Shutdown,
};

/// Calls `run` with a connection to the server at `target`. Without a target, starts a server on the configured
/// database and stops it afterwards.
///
/// # Errors
/// No server answers at `target`, the server of this process cannot be started or stopped, or `run` returns an error. A
/// signal ends the command with the error `interrupted`.
pub(crate) async fn with_server(
    config: &Config,
    target: Option<&Url>,
    shutdown: &Shutdown,
    interrupted: &str,
    run: impl AsyncFnOnce(&ServerConnection) -> Result,
) -> Result {
    with_server_for(Work::Calls, (config, target), shutdown, interrupted, run).await
}

/// The same. A server of this process also runs the job that changes the migrations of many organizations, and no other.
///
/// # Errors
/// As [`with_server`].
pub(crate) async fn with_server_and_changes(
    config: &Config,
    target: Option<&Url>,
    shutdown: &Shutdown,
    interrupted: &str,
    run: impl AsyncFnOnce(&ServerConnection) -> Result,
) -> Result {
    with_server_for(Work::CallsAndChanges, (config, target), shutdown, interrupted, run).await
}

async fn with_server_for(
    work: Work,
    (config, target): (&Config, Option<&Url>),
    shutdown: &Shutdown,
    interrupted: &str,
    run: impl AsyncFnOnce(&ServerConnection) -> Result,
) -> Result {
    let finished = async {
        match target {
            Some(target) => {
                let token_file = config.credentials.token_file.as_deref();
                run(&ServerConnection::open(target, &config.client_tls, token_file).await?).await
            }
            None => with_local_server(config, work, run).await,
        }
    };
    shutdown.interrupts(finished).await.unwrap_or_else(|| Err(Error::failed(interrupted)))
}

async fn with_local_server(config: &Config, work: Work, run: impl AsyncFnOnce(&ServerConnection) -> Result) -> Result {
    let database = Database::open(config).await?;
    // Only this command calls the server.
    let any_free_port =
        Config { listen: ([127, 0, 0, 1], 0).into(), auth: AuthSettings::off(), ..config.without_tls() };
    let finished = async {
        let service = Service::start(&any_free_port, &database.db, work).await?;
        let finished = async { run(&ServerConnection::open_local(service.address, None).await?).await }.await;
        finished.and(service.stop().await)
    };
    let finished = finished.await;
    finished.and(database.close().await)
}
