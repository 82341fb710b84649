//! Commands that ask a server: the running one, or one in this process on the database itself.

use url::Url;

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result},
    remote::Remote,
    serve::{Service, Work},
    shutdown::Shutdown,
};

/// Asks the server at `target`, or without one a server that is started here for this command alone.
///
/// # Errors
/// When nothing answers or a part does not start, when the process is asked to end, or what `ask` answers.
pub(crate) async fn on_server<T>(
    config: &Config,
    target: Option<&Url>,
    shutdown: &Shutdown,
    ask: impl AsyncFnOnce(Remote) -> Result<T>,
) -> Result<T> {
    let asked = async {
        match target {
            Some(target) => ask(Remote::connect(target).await?).await,
            None => on_own_server(config, ask).await,
        }
    };
    shutdown.interrupts(asked).await.unwrap_or_else(|| Err(Error::failed("interrupted")))
}

async fn on_own_server<T>(config: &Config, ask: impl AsyncFnOnce(Remote) -> Result<T>) -> Result<T> {
    let database = Database::open(config).await?;
    let own = Config { listen: ([127, 0, 0, 1], 0).into(), ..config.clone() };
    let answered = async {
        let service = Service::start(&own, &database.db, Work::Calls).await?;
        let asked = async {
            let address = format!("http://{}", service.address);
            let url = Url::parse(&address).map_err(Error::doing(format!("cannot use the address {address}")))?;
            let remote = Remote::connect(&url).await?;
            remote.healthy().await?;
            ask(remote).await
        };
        let answered = asked.await;
        let stopped = service.stop().await;
        answered.and_then(|answer| stopped.map(|()| answer))
    };
    let answered = answered.await;
    let closed = database.close().await;
    answered.and_then(|answer| closed.map(|()| answer))
}
