//! The size and the SHA-256 of a file that passes by in pieces.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// What a file is as a whole, as far as it has passed by.
#[derive(Clone, Debug, Default)]
pub struct Checksum {
    hash: Sha256,
    bytes: u64,
}

impl Checksum {
    /// The next bytes.
    pub fn update(&mut self, piece: &[u8]) {
        self.hash.update(piece);
        self.bytes += piece.len() as u64;
    }

    /// How many bytes have passed by.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The SHA-256 of what has passed by, in hex.
    #[must_use]
    pub fn sha256(self) -> String {
        let mut text = String::with_capacity(64);
        for byte in self.hash.finalize() {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
