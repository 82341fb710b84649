//! The report store: an object store that is opened from a URL.

use std::{path::PathBuf, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, path::Path};
use tokio::time::timeout;
use url::Url;

use super::{
    errors::store_unavailable,
    layout::CHUNK,
    open::{self, OpenError, RetryPolicy, parse_reports_url},
};
use crate::{Error, Result};

/// The bytes of a file, in chunks of a bounded size.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// How long a store may take to answer a probe.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a store cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store refuses the request, or does not exist.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// The store does not answer in time.
    #[error("no answer within 10 s")]
    NoAnswer,
}

/// The store of the reports' files.
#[derive(Clone, Debug)]
pub struct ReportStore {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) url: Url,
}

impl ReportStore {
    /// Opens a store. A missing directory is created. No request is sent to a remote store; see [`Self::reach`].
    ///
    /// # Errors
    /// [`OpenError`], which says what to change in the URL or the environment.
    pub fn open(url: &str) -> std::result::Result<Self, OpenError> {
        let url = parse_reports_url(url)?;
        Ok(Self { store: open::open(&url, RetryPolicy::Retry)?, url })
    }

    /// Checks that the store answers and accepts the credentials, by listing one file. Takes 10 s at most.
    ///
    /// # Errors
    /// [`ReachError`], which says why the store cannot be used.
    pub async fn reach(&self) -> std::result::Result<(), ReachError> {
        // Retries would delay the error.
        let store = open::open(&self.url, RetryPolicy::FailFast)?;
        let mut files = store.list(None);
        timeout(PROBE_TIMEOUT, files.try_next()).await.map_err(|_| ReachError::NoAnswer)??;
        Ok(())
    }

    /// Returns the URL of a folder or file.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("{}/{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Streams a file from an offset.
    ///
    /// # Errors
    /// [`Error::ReportNotFound`], [`Error::OffsetBeyondEnd`], or [`Error::Unavailable`] when the store cannot be
    /// reached.
    pub async fn read(&self, path: &str, offset: u64) -> Result<ByteStream> {
        let location = Path::from(path);
        let size = self.store.head(&location).await.map_err(read_error)?.size;
        if offset > size {
            return Err(Error::OffsetBeyondEnd { offset, size });
        }
        if offset == size {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions::new().with_range(Some(GetRange::Offset(offset)));
        let file = self.store.get_opts(&location, options).await.map_err(read_error)?;
        Ok(in_chunks(file.into_stream().map_err(store_unavailable).boxed()))
    }

    /// Returns the store's directory, if the store is a directory.
    pub(super) fn local_directory(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }
}

/// A missing file is the caller's error; every other failure is the store's.
fn read_error(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { path, .. } => Error::ReportNotFound(path),
        other => store_unavailable(other),
    }
}

/// Cuts and joins the store's pieces into chunks of one size.
fn in_chunks(pieces: ByteStream) -> ByteStream {
    let state = (pieces, BytesMut::new());
    stream::try_unfold(state, async |(mut pieces, mut buffer)| {
        while buffer.len() < CHUNK {
            match pieces.try_next().await? {
                Some(piece) => buffer.extend_from_slice(&piece),
                None => break,
            }
        }
        let chunk = buffer.split_to(buffer.len().min(CHUNK)).freeze();
        Ok((!chunk.is_empty()).then_some((chunk, (pieces, buffer))))
    })
    .boxed()
}

/// The object store alone, for a reader of published files.
impl From<ReportStore> for Arc<dyn ObjectStore> {
    fn from(reports: ReportStore) -> Self {
        reports.store
    }
}
