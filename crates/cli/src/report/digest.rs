//! The size and the SHA-256 of a file that is read in pieces.

use sha2::{Digest as _, Sha256};

/// The size and the SHA-256 of the pieces so far.
#[derive(Default)]
pub(super) struct FileDigest {
    hash: Sha256,
    bytes: u64,
}

impl FileDigest {
    /// Returns the digest of a whole file.
    pub(super) fn of(content: &[u8]) -> Self {
        let mut digest = Self::default();
        digest.update(content);
        digest
    }

    pub(super) fn update(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the SHA-256 in hex.
    pub(super) fn sha256(self) -> String {
        self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
