//! How failures below the reports become errors of the use cases.

use std::io;

use tokio::task::spawn_blocking;

use crate::{Error, Result};

/// The error for a report store that refuses a request or cannot be reached.
pub(super) fn store_unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(error.into())
}

/// The error for a failure that only a bug or a damaged file can cause.
pub(super) fn internal(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Internal(error.into())
}

/// Runs work that blocks a thread, such as work on the directory of a report store.
///
/// # Errors
/// [`Error::Unavailable`] when the directory cannot be used.
pub(super) async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = spawn_blocking(work).await.map_err(internal)?;
    done.map_err(|error| Error::Unavailable(error.into()))
}
