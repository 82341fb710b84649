//! Writing a file to a report store piece by piece, with its size and checksum.

use std::fmt::Write as _;

use bytes::Bytes;
use object_store::{MultipartUpload, WriteMultipart};
use sha2::{Digest as _, Sha256};

use super::store::failed;
use crate::Result;

/// How many parts may be under way. A part has 5 MiB, so that this bounds the memory.
const PARTS: usize = 2;

/// A file that is being written. Nobody sees it before it is finished.
pub(super) struct Upload {
    parts: WriteMultipart,
    hash: Sha256,
    bytes: u64,
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
        Self { parts: WriteMultipart::new(upload), hash: Sha256::new(), bytes: 0 }
    }

    pub(super) async fn put(&mut self, piece: Bytes) -> Result<()> {
        self.hash.update(&piece);
        self.bytes += piece.len() as u64;
        self.parts.wait_for_capacity(PARTS).await.map_err(failed)?;
        self.parts.put(piece);
        Ok(())
    }

    pub(super) async fn finish(self) -> Result<Uploaded> {
        self.parts.finish().await.map_err(failed)?;
        let sha256 = hex(self.hash);
        Ok(Uploaded { bytes: self.bytes, sha256 })
    }

    /// Gives the file up. What cannot be removed is a leftover that nobody sees.
    pub(super) async fn abort(self) {
        if let Err(error) = self.parts.abort().await {
            tracing::warn!(%error, "an unfinished report file could not be removed");
        }
    }
}

/// A checksum as it is written.
pub(super) fn hex(hash: Sha256) -> String {
    let mut text = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
