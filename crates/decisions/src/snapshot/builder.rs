//! Building a snapshot from all members, and then all addresses, of an organization.

use std::sync::Arc;

use rollcall_domain::{Phase, email_export::CheckSubject};
use rollcall_store::decisions::{StoredHolding, Version};

use super::{
    Snapshot,
    index::{AddressIndex, History, IdIndex},
    members::{Assignments, CHUNK, MemberChunk},
};
use crate::{
    digest::DigestKey,
    shared_array::{MemorySize as _, SharedArray},
};

/// A snapshot that is not complete. First all members are added, then all holdings.
pub(crate) struct SnapshotBuilder {
    version: Version,
    phase: Phase,
    key: DigestKey,
    assignments: Arc<Assignments>,
    members: SharedArray<MemberChunk>,
    chunk: MemberChunk,
    ids: Vec<(u64, u32)>,
}

impl SnapshotBuilder {
    /// A snapshot without members.
    pub(crate) fn new(key: DigestKey, version: Version, phase: Phase) -> Self {
        let (members, chunk) = (SharedArray::default(), MemberChunk::default());
        Self { version, phase, key, assignments: Arc::default(), members, chunk, ids: Vec::new() }
    }

    /// Adds a member.
    pub(crate) fn add_member(&mut self, subject: &CheckSubject) {
        let index = self.ids.len();
        let assignment = Assignments::number(&mut self.assignments, &subject.assignment);
        self.chunk.push(subject, assignment);
        self.ids.push((self.key.member(subject.member.as_str()), u32::try_from(index).unwrap_or(u32::MAX)));
        if self.ids.len().is_multiple_of(CHUNK) {
            self.close_chunk();
        }
    }

    fn close_chunk(&mut self) {
        let mut chunk = std::mem::take(&mut self.chunk);
        chunk.shrink();
        self.members.push(chunk);
    }

    /// The number of members so far.
    pub(crate) fn member_count(&self) -> usize {
        self.ids.len()
    }

    /// The memory of the members so far, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.members.bytes() + self.chunk.bytes() + self.ids.capacity() * size_of::<(u64, u32)>()
    }

    /// Ends the members.
    pub(crate) fn with_members(mut self) -> HoldingsBuilder {
        if !self.ids.len().is_multiple_of(CHUNK) {
            self.close_chunk();
        }
        let snapshot = Snapshot {
            version: self.version,
            phase: self.phase,
            key: self.key,
            assignments: self.assignments,
            members: self.members,
            member_count: u32::try_from(self.ids.len()).unwrap_or(u32::MAX),
            by_id: IdIndex::build(self.ids),
            by_address: AddressIndex::build(Vec::new()),
        };
        HoldingsBuilder { snapshot, addresses: Vec::new(), email: String::new(), history: History::new() }
    }
}

/// A snapshot that lacks addresses.
pub(crate) struct HoldingsBuilder {
    snapshot: Snapshot,
    addresses: Vec<(u128, History)>,
    /// The address whose holdings are being added.
    email: String,
    history: History,
}

impl HoldingsBuilder {
    /// Adds a holding. All holdings of one address follow each other, the oldest first. A holding of an unknown member is
    /// left out, as a query that joins the members leaves it out.
    pub(crate) fn add(&mut self, holding: &StoredHolding) {
        if holding.email != self.email {
            self.close_address();
            self.email.clone_from(&holding.email);
        }
        self.history.extend(self.snapshot.history(std::iter::once(holding)).unwrap_or_default());
    }

    fn close_address(&mut self) {
        let mut history = std::mem::take(&mut self.history);
        if !history.is_empty() {
            history.shrink_to_fit();
            self.addresses.push((self.snapshot.key.address(&self.email), history));
        }
    }

    /// Returns the snapshot.
    pub(crate) fn build(mut self) -> Snapshot {
        self.close_address();
        self.snapshot.by_address = AddressIndex::build(self.addresses);
        self.snapshot
    }
}
