//! Writing a file to a report store piece by piece, with its size and checksum.

use bytes::Bytes;
use object_store::{MultipartUpload, WriteMultipart};

use super::{checksum::Checksum, store::failed};
use crate::Result;

/// How many parts may be under way. A part has 5 MiB, so that this bounds the memory.
const PARTS: usize = 2;

/// A file that is being written. Nobody sees it before it is finished.
pub(super) struct Upload {
    parts: WriteMultipart,
    checksum: Checksum,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uploaded {
    pub(super) bytes: u64,
    /// In hex.
    pub(super) sha256: String,
}

impl Upload {
    pub(super) fn new(upload: Box<dyn MultipartUpload>) -> Self {
        Self { parts: WriteMultipart::new(upload), checksum: Checksum::default() }
    }

    pub(super) async fn put(&mut self, piece: Bytes) -> Result<()> {
        self.checksum.update(&piece);
        self.parts.wait_for_capacity(PARTS).await.map_err(failed)?;
        self.parts.put(piece);
        Ok(())
    }

    pub(super) async fn finish(self) -> Result<Uploaded> {
        self.parts.finish().await.map_err(failed)?;
        Ok(Uploaded { bytes: self.checksum.bytes(), sha256: self.checksum.sha256() })
    }

    /// Gives the file up. What cannot be removed is a leftover that nobody sees.
    pub(super) async fn abort(self) {
        if let Err(error) = self.parts.abort().await {
            tracing::warn!(%error, "an unfinished report file could not be removed");
        }
    }
}
