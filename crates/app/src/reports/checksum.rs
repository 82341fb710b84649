//! Size and SHA-256 of a file that is processed in chunks.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// Size and SHA-256 of the chunks that were added.
#[derive(Clone, Debug, Default)]
pub struct Checksum {
    hash: Sha256,
    bytes: u64,
}

impl Checksum {
    /// Adds the next chunk.
    pub fn update(&mut self, chunk: &[u8]) {
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
    }

    /// The number of bytes that were added.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the SHA-256 of all chunks, in hexadecimal.
    #[must_use]
    pub fn sha256(self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
