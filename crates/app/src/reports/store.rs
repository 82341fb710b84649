//! Where reports lie: an object store that is opened from a URL.

use std::{path::PathBuf, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, BoxStream},
};
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, local::LocalFileSystem, path::Path};
use url::Url;

use super::{CHUNK, upload::Upload};
use crate::{Error, Result};

/// The bytes of a file, in pieces of a bounded size.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// Why a report store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a URL at all.
    #[error("the reports URL `{url}` cannot be read: {source}; give one like file:///var/lib/rollcall/reports")]
    Unreadable {
        /// What was given.
        url: String,
        /// What is wrong with it.
        source: url::ParseError,
    },
    /// A kind of store that is not supported.
    #[error("the reports URL `{url}` has the scheme `{scheme}`; the one that works is file://")]
    Scheme {
        /// What was given.
        url: String,
        /// Its scheme.
        scheme: String,
    },
    /// A `file://` URL that is not an absolute path of this machine.
    #[error("the reports URL `{0}` does not name a directory; give one like file:///var/lib/rollcall/reports")]
    NotAPath(String),
    /// The directory cannot be made or opened.
    #[error("the reports directory {directory} cannot be used: {source}")]
    Directory {
        /// Which.
        directory: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Where reports lie.
#[derive(Clone, Debug)]
pub struct ReportStore {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) url: Url,
}

impl ReportStore {
    /// Opens a store; a directory is made if it is missing.
    ///
    /// # Errors
    /// A URL that cannot be used; the message says which can.
    pub fn open(url: &str) -> std::result::Result<Self, OpenError> {
        let parsed = Url::parse(url).map_err(|source| OpenError::Unreadable { url: url.to_owned(), source })?;
        if parsed.scheme() != "file" {
            let scheme = parsed.scheme().to_owned();
            return Err(OpenError::Scheme { url: url.to_owned(), scheme });
        }
        let directory = parsed.to_file_path().map_err(|()| OpenError::NotAPath(url.to_owned()))?;
        let store = open_directory(&directory).map_err(|source| OpenError::Directory { directory, source })?;
        Ok(Self { store: Arc::new(store), url: parsed })
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
        let size = self.store.head(&location).await.map_err(failed)?.size;
        if offset > size {
            return Err(Error::OffsetBeyondEnd { offset, size });
        }
        if offset == size {
            return Ok(stream::empty().boxed());
        }
        let options = GetOptions::new().with_range(Some(GetRange::Offset(offset)));
        let file = self.store.get_opts(&location, options).await.map_err(failed)?;
        Ok(in_chunks(file.into_stream().map_err(failed).boxed()))
    }

    /// Begins a file, which is there once it is finished and not before.
    pub(super) async fn begin(&self, path: &str) -> Result<Upload> {
        let upload = self.store.put_multipart(&Path::from(path)).await.map_err(failed)?;
        Ok(Upload::new(upload))
    }
}

fn open_directory(
    directory: &std::path::Path,
) -> std::result::Result<LocalFileSystem, Box<dyn std::error::Error + Send + Sync>> {
    std::fs::create_dir_all(directory)?;
    Ok(LocalFileSystem::new_with_prefix(directory)?.with_fsync(true))
}

/// A file that is not there is the caller's matter, everything else the store's.
pub(super) fn failed(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { path, .. } => Error::ReportNotFound(path),
        other => Error::Unavailable(other.into()),
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
