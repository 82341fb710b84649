//! Writing a file to a report store in chunks, with its size and checksum.

use bytes::Bytes;
use object_store::{MultipartUpload, WriteMultipart};

use super::{checksum::Checksum, errors::store_unavailable};
use crate::Result;

/// How many parts are sent at the same time. A part has 5 MiB, so this bounds the memory.
const PARTS_IN_FLIGHT: usize = 2;

/// A file that is being written. The file is visible only after [`Upload::finish`].
pub(super) struct Upload {
    parts: WriteMultipart,
    checksum: Checksum,
}

/// Size and checksum of a file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uploaded {
    pub(super) bytes: u64,
    /// In hexadecimal.
    pub(super) sha256: String,
}

impl Upload {
    pub(super) fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self { parts: WriteMultipart::new(upload), checksum: Checksum::default() }
    }

    pub(super) async fn put(&mut self, chunk: Bytes) -> Result<()> {
        self.checksum.update(&chunk);
        self.parts.wait_for_capacity(PARTS_IN_FLIGHT).await.map_err(store_unavailable)?;
        self.parts.put(chunk);
        Ok(())
    }

    pub(super) async fn finish(self) -> Result<Uploaded> {
        self.parts.finish().await.map_err(store_unavailable)?;
        Ok(Uploaded { bytes: self.checksum.bytes(), sha256: self.checksum.sha256() })
    }

    /// Gives the file up. Parts that cannot be removed stay as leftovers, which no report names.
    pub(super) async fn abort(self) {
        if let Err(error) = self.parts.abort().await {
            tracing::warn!(%error, "an unfinished report file cannot be removed");
        }
    }
}
