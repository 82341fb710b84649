//! A way to the database that can be shut, as when it is stopped: the cluster itself is shared by
//! all tests.

use std::path::PathBuf;

use tokio::{
    net::{TcpListener, TcpStream, UnixStream},
    task::{JoinHandle, JoinSet},
};
use tokio_postgres::config::{Config, Host};

/// Lets connections through until it is shut.
pub struct Gate {
    url: String,
    passing: JoinHandle<()>,
}

impl Gate {
    /// Opens a gate before the database at a URL of the test cluster.
    pub async fn open(url: &str) -> Self {
        let config: Config = url.parse().unwrap();
        let Some(Host::Unix(dir)) = config.get_hosts().first() else { panic!("{url} is not a socket") };
        let socket = dir.join(".s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (user, database) = (config.get_user().unwrap(), config.get_dbname().unwrap());
        let url = format!("postgresql://{user}@{address}/{database}");
        Self { url, passing: tokio::spawn(pass(listener, socket)) }
    }

    /// The URL of the database behind it.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Breaks every connection, and lets none through any longer.
    pub async fn shut(self) {
        self.passing.abort();
        let _ = self.passing.await;
    }
}

/// The connections end with this: dropping the set aborts their tasks.
async fn pass(listener: TcpListener, socket: PathBuf) {
    let mut passing = JoinSet::new();
    while let Ok((mut service, _)) = listener.accept().await {
        let socket = socket.clone();
        passing.spawn(async move {
            let mut database = UnixStream::connect(&socket).await?;
            tokio::io::copy_bidirectional::<TcpStream, UnixStream>(&mut service, &mut database).await
        });
    }
}
