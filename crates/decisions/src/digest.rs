//! Keyed digests of ids and addresses. Each process has a random key. Therefore a caller cannot choose two addresses with
//! the same digest, and a dump of the memory shows no address.

use rollcall_domain::Email;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

/// The key of the digests of a process.
#[derive(Clone, Copy)]
pub(crate) struct DigestKey(u64, u64);

impl DigestKey {
    /// A new random key.
    pub(crate) fn random() -> Self {
        Self(rand::random(), rand::random())
    }

    /// Returns the digest of an address.
    pub(crate) fn address(self, email: &str) -> u128 {
        self.digest(email.as_bytes())
    }

    /// Returns the hash of a member's id.
    #[allow(clippy::cast_possible_truncation, reason = "64 bits are enough: the id itself is compared")]
    pub(crate) fn member(self, id: &str) -> u64 {
        self.digest(id.as_bytes()) as u64
    }

    fn digest(self, bytes: &[u8]) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        std::hash::Hasher::write(&mut hasher, bytes);
        hasher.finish128().as_u128()
    }

    /// Returns the digest of an address.
    pub(crate) fn email(self, email: &Email) -> u128 {
        self.address(email.as_str())
    }
}

impl std::fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DigestKey")
    }
}
