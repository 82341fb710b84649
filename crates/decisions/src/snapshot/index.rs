//! The indexes of a snapshot: from the hash of a member's id, and from the digest of an address, to the members. Both are
//! divided by the first bits of the hash into small sorted buckets.

use std::sync::Arc;

use rollcall_domain::{
    Timestamp,
    email_export::{Holding, find_holder},
};

use crate::shared_array::{MemorySize, SharedArray};

/// How many entries a bucket has on average, at most, when an index is built.
const BUCKET: usize = 128;

/// How many entries a bucket may get on average before the index is built again.
const BUCKET_MAX: usize = 4 * BUCKET;

/// Returns the number of the first bits that select the bucket among enough buckets for a number of entries.
fn bits_for(entries: usize) -> u32 {
    entries.div_ceil(BUCKET).next_power_of_two().trailing_zeros()
}

/// Returns the bucket of a hash.
fn bucket_of(hash: u64, bits: u32) -> usize {
    // The index of a bucket has at most 32 bits.
    hash.checked_shr(u64::BITS - bits).and_then(|bucket| usize::try_from(bucket).ok()).unwrap_or(0)
}

/// From the ids of members to the members.
#[derive(Clone, Debug)]
pub(super) struct IdIndex {
    bits: u32,
    buckets: SharedArray<IdBucket>,
    entries: usize,
}

/// Entries in the order of their tags, which are the last 32 bits of the hash.
#[derive(Clone, Debug, Default)]
struct IdBucket {
    tags: Vec<u32>,
    members: Vec<u32>,
}

impl MemorySize for IdBucket {
    fn bytes(&self) -> usize {
        size_of::<Self>() + (self.tags.capacity() + self.members.capacity()) * size_of::<u32>()
    }
}

/// The last 32 bits.
#[allow(clippy::cast_possible_truncation, reason = "these bits are wanted")]
fn tag_of(hash: u64) -> u32 {
    hash as u32
}

impl IdIndex {
    /// Builds the index of members, each with the hash of the id.
    pub(super) fn build(mut entries: Vec<(u64, u32)>) -> Self {
        let bits = bits_for(entries.len());
        entries.sort_unstable_by_key(|(hash, _)| (bucket_of(*hash, bits), tag_of(*hash)));
        let mut index = Self { bits, buckets: SharedArray::default(), entries: entries.len() };
        let mut rest = entries.as_slice();
        for bucket in 0..1_usize << bits {
            let (own, after) = rest.split_at(rest.partition_point(|(hash, _)| bucket_of(*hash, bits) <= bucket));
            rest = after;
            index.buckets.push(IdBucket {
                tags: own.iter().map(|(hash, _)| tag_of(*hash)).collect(),
                members: own.iter().map(|(_, member)| *member).collect(),
            });
        }
        index
    }

    /// Returns the members whose id may have this hash.
    pub(super) fn find(&self, hash: u64) -> impl Iterator<Item = u32> {
        let bucket = self.buckets.get(bucket_of(hash, self.bits));
        let tag = tag_of(hash);
        bucket.into_iter().flat_map(move |bucket| {
            let first = bucket.tags.partition_point(|other| *other < tag);
            let same = bucket.tags.iter().skip(first).take_while(move |other| **other == tag);
            same.zip(bucket.members.iter().skip(first)).map(|(_, member)| *member)
        })
    }

    /// Adds a member.
    pub(super) fn insert(&mut self, hash: u64, member: u32) {
        self.entries += 1;
        self.buckets.change(bucket_of(hash, self.bits), |bucket| {
            let place = bucket.tags.partition_point(|other| *other < tag_of(hash));
            bucket.tags.insert(place, tag_of(hash));
            bucket.members.insert(place, member);
            bucket.tags.shrink_to_fit();
            bucket.members.shrink_to_fit();
        });
    }

    /// Whether the buckets have grown so large that the index should be built again.
    pub(super) fn is_outgrown(&self) -> bool {
        self.entries > BUCKET_MAX * self.buckets.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.bytes()
    }
}

/// From the digests of addresses to the holders.
#[derive(Clone, Debug)]
pub(super) struct AddressIndex {
    bits: u32,
    buckets: SharedArray<AddressBucket>,
    entries: usize,
}

/// All holdings of an address, the oldest first. A member is the number in the snapshot.
pub(super) type History = Vec<Holding<u32>>;

/// Addresses in the order of their digests.
#[derive(Clone, Debug, Default)]
struct AddressBucket {
    digests: Vec<u128>,
    /// The only holder, or the index of a history with the bit [`HISTORY`].
    holders: Vec<u32>,
    histories: Vec<Arc<[Holding<u32>]>>,
}

/// Marks the index of a history.
const HISTORY: u32 = 1 << 31;

impl MemorySize for AddressBucket {
    fn bytes(&self) -> usize {
        let histories: usize = self.histories.iter().map(|history| 32 + size_of_val(history.as_ref())).sum();
        size_of::<Self>()
            + self.digests.capacity() * size_of::<u128>()
            + self.holders.capacity() * size_of::<u32>()
            + histories
    }
}

impl AddressBucket {
    /// Returns what `holders` keeps for a history.
    fn keep(&mut self, history: History) -> u32 {
        match history.as_slice() {
            // It counts from "always", so its beginning is not needed.
            [only] if only.is_exact && only.member < HISTORY => only.member,
            _ => {
                self.histories.push(history.into());
                HISTORY | u32::try_from(self.histories.len() - 1).unwrap_or(u32::MAX)
            }
        }
    }

    fn find_holder(&self, digest: u128, sent: Option<Timestamp>) -> Option<u32> {
        let place = self.digests.binary_search(&digest).ok()?;
        let holder = *self.holders.get(place)?;
        if holder & HISTORY == 0 {
            let only = [Holding { member: holder, begins: Timestamp::MIN_UTC, is_exact: true }];
            return find_holder(&only, sent).copied();
        }
        find_holder(self.histories.get((holder & !HISTORY) as usize)?, sent).copied()
    }

    /// Replaces the history of an address. Returns whether the address was unknown.
    fn set(&mut self, digest: u128, history: History) -> bool {
        // The others keep their histories, in the order of the addresses.
        let kept = self.digests.iter().zip(&self.holders).map(|(digest, holder)| (*digest, *holder));
        let mut entries: Vec<(u128, u32)> = kept.filter(|(other, _)| *other != digest).collect();
        let is_new = entries.len() == self.digests.len();
        let old = std::mem::take(&mut self.histories);
        for (_, holder) in entries.iter_mut().filter(|(_, holder)| holder & HISTORY != 0) {
            if let Some(history) = old.get((*holder & !HISTORY) as usize) {
                self.histories.push(history.clone());
                *holder = HISTORY | u32::try_from(self.histories.len() - 1).unwrap_or(u32::MAX);
            }
        }
        if !history.is_empty() {
            let holder = self.keep(history);
            let place = entries.partition_point(|(other, _)| *other < digest);
            entries.insert(place, (digest, holder));
        }
        self.histories.shrink_to_fit();
        (self.digests, self.holders) = entries.into_iter().unzip();
        self.digests.shrink_to_fit();
        self.holders.shrink_to_fit();
        is_new
    }
}

/// Returns the first 64 bits of a digest.
#[allow(clippy::cast_possible_truncation, reason = "64 bits are left")]
fn first_bits(digest: u128) -> u64 {
    (digest >> 64) as u64
}

impl AddressIndex {
    /// Builds the index of addresses, each with its holdings.
    pub(super) fn build(mut entries: Vec<(u128, History)>) -> Self {
        let bits = bits_for(entries.len());
        let mut index = Self { bits, buckets: SharedArray::default(), entries: entries.len() };
        entries.sort_unstable_by_key(|(digest, _)| *digest);
        let mut entries = entries.into_iter().peekable();
        for bucket in 0..1_usize << bits {
            let mut built = AddressBucket::default();
            while let Some((digest, history)) =
                entries.next_if(|(digest, _)| bucket_of(first_bits(*digest), bits) == bucket)
            {
                built.digests.push(digest);
                let holder = built.keep(history);
                built.holders.push(holder);
            }
            built.digests.shrink_to_fit();
            built.holders.shrink_to_fit();
            built.histories.shrink_to_fit();
            index.buckets.push(built);
        }
        index
    }

    /// Returns the member who held an address at a time, or who holds it now.
    pub(super) fn find_holder(&self, digest: u128, sent: Option<Timestamp>) -> Option<u32> {
        self.buckets.get(bucket_of(first_bits(digest), self.bits))?.find_holder(digest, sent)
    }

    /// Replaces the holdings of an address.
    pub(super) fn set(&mut self, digest: u128, history: History) {
        let set = |bucket: &mut AddressBucket| bucket.set(digest, history);
        if self.buckets.change(bucket_of(first_bits(digest), self.bits), set) == Some(true) {
            self.entries += 1;
        }
    }

    /// Whether the buckets have grown so large that the index should be built again.
    pub(super) fn is_outgrown(&self) -> bool {
        self.entries > BUCKET_MAX * self.buckets.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.buckets.bytes()
    }
}
