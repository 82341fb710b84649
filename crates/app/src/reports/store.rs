//! Where reports lie: an object store that is opened from a URL.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, path::Path};
use tokio::time::timeout;
use url::Url;

use super::{
    CHUNK,
    open::{self, OpenError, Retries, parse_reports_url},
    upload::Upload,
};
use crate::{Error, Result};

/// The bytes of a file, in pieces of a bounded size.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// How long a store may take to show whether it answers.
const REACHED_WITHIN: Duration = Duration::from_secs(10);

/// Why a store cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// It cannot even be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It says no, or is not there.
    #[error(transparent)]
    Store(#[from] object_store::Error),
    /// It says nothing.
    #[error("no answer within 10 s")]
    NoAnswer,
}

/// Where reports lie.
#[derive(Clone, Debug)]
pub struct ReportStore {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) url: Url,
}

impl ReportStore {
    /// Opens a store; a directory is made if it is missing. Nothing is asked of a store elsewhere: see [`Self::reach`].
    ///
    /// # Errors
    /// A URL that cannot be used, which says what to give instead, or settings that do not fit.
    pub fn open(url: &str) -> std::result::Result<Self, OpenError> {
        let url = parse_reports_url(url)?;
        Ok(Self { store: open::open(&url, Retries::Some)?, url })
    }

    /// Finds out whether the store answers and lets us in, by listing one file of it. Takes 10 s at most.
    ///
    /// # Errors
    /// A store that does not; the error says why not.
    pub async fn reach(&self) -> std::result::Result<(), ReachError> {
        // Without retries, which would hide the reason until they end.
        let store = open::open(&self.url, Retries::None)?;
        let mut files = store.list(None);
        timeout(REACHED_WITHIN, files.try_next()).await.map_err(|_| ReachError::NoAnswer)??;
        Ok(())
    }

    /// The URL of a folder or file.
    #[must_use]
    pub fn url_of(&self, path: &str) -> String {
        format!("{}/{path}", self.url.as_str().trim_end_matches('/'))
    }

    /// Streams a file from an offset on.
    ///
    /// # Errors
    /// [`Error::ReportNotFound`], [`Error::OffsetBeyondEnd`], or a store that fails.
    pub async fn read(&self, path: &str, offset: u64) -> Result<ByteStream> {
        let location = Path::from(path);
        let size = self.store.head(&location).await.map_err(not_read)?.size;
        if offset > size {
            return Err(Error::OffsetBeyondEnd { offset, size });
        }
        if offset == size {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions::new().with_range(Some(GetRange::Offset(offset)));
        let file = self.store.get_opts(&location, options).await.map_err(not_read)?;
        Ok(in_chunks(file.into_stream().map_err(failed).boxed()))
    }

    /// Begins a file, which is there once it is finished and not before.
    pub(super) async fn begin(&self, path: &str) -> Result<Upload> {
        let upload = self.store.put_multipart(&Path::from(path)).await.map_err(failed)?;
        Ok(Upload::new(upload))
    }
}

/// What a store says that cannot do what it was asked, also when all of it is gone: the cause is in the log.
pub(super) fn failed(error: object_store::Error) -> Error {
    Error::Unavailable(error.into())
}

/// A file that is not there is the reader's matter, everything else the store's.
fn not_read(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { path, .. } => Error::ReportNotFound(path),
        other => failed(other),
    }
}

/// Cuts and joins pieces, however large a store makes them.
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
