//! What decides about the emails of one organization, at one revision, in memory.

mod builder;
mod index;
mod members;

use std::sync::Arc;

use rollcall_domain::{
    MemberId, Phase, Timestamp,
    email_export::{CheckSubject, Decision, Holding, decide},
};
use rollcall_store::{
    decisions::{StoredHolding, Version},
    email_export::SubjectKey,
};

use self::{
    index::{AddressIndex, History, IdIndex},
    members::{Assignments, CHUNK, MemberChunk},
};
use crate::{digest::DigestKey, shared_array::SharedArray};

pub(crate) use builder::{HoldingsBuilder, SnapshotBuilder};

/// The state of one organization that decides about emails. A snapshot never changes. The next one shares with it what is
/// the same in both.
#[derive(Clone, Debug)]
pub struct Snapshot {
    version: Version,
    phase: Phase,
    key: DigestKey,
    assignments: Arc<Assignments>,
    members: SharedArray<MemberChunk>,
    member_count: u32,
    by_id: IdIndex,
    by_address: AddressIndex,
}

/// What has changed between two revisions: the present state of what was touched.
#[derive(Clone, Debug)]
pub(crate) struct Delta {
    pub(crate) version: Version,
    pub(crate) phase: Phase,
    /// The touched members that the organization has.
    pub(crate) members: Vec<CheckSubject>,
    /// The touched members that the organization does not have.
    pub(crate) removed: Vec<MemberId>,
    /// The touched addresses, each with all its holdings, the oldest first.
    pub(crate) addresses: Vec<(String, Vec<StoredHolding>)>,
}

impl Snapshot {
    /// The write that the snapshot is from.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// The revision that the snapshot is from.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.version.revision
    }

    /// The number of members, with those that were removed since the snapshot was loaded.
    #[must_use]
    pub fn member_count(&self) -> u32 {
        self.member_count
    }

    /// The memory that the snapshot uses, in bytes: the sizes of its parts. Parts that it shares with another snapshot count
    /// in both.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.assignments.bytes()
            + self.members.bytes()
            + self.by_id.bytes()
            + self.by_address.bytes()
    }

    /// Decides whether an email may be exported, by the rules of the domain. Allocates nothing on the heap.
    #[must_use]
    pub fn decide(&self, subject: &SubjectKey, sent: Option<Timestamp>) -> Decision<&str> {
        let index = match subject {
            SubjectKey::Member(id) => self.find_member(id.as_str()),
            SubjectKey::Email(email) => self.by_address.find_holder(self.key.email(email), sent),
        };
        decide(self.phase, index.and_then(|index| self.get_member(index)), sent)
    }

    fn find_member(&self, id: &str) -> Option<u32> {
        self.by_id.find(self.key.member(id)).find(|index| {
            let (chunk, place) = place_of(*index);
            self.members.get(chunk).and_then(|chunk| chunk.id(place)) == Some(id)
        })
    }

    fn get_member(&self, index: u32) -> Option<CheckSubject<&str>> {
        let (chunk, place) = place_of(index);
        self.members.get(chunk)?.get(place, &self.assignments.ids)
    }

    /// Returns the snapshot after a change. `None` if it must be loaded again: because it has outgrown its indexes, or
    /// because a holder of an address is unknown.
    pub(crate) fn apply(&self, delta: &Delta) -> Option<Self> {
        let mut next = Self { version: delta.version, phase: delta.phase, ..self.clone() };
        for subject in &delta.members {
            next.put(subject);
        }
        for member in &delta.removed {
            if let Some(index) = next.find_member(member.as_str()) {
                let (chunk, place) = place_of(index);
                next.members.change(chunk, |chunk| chunk.remove(place))?;
            }
        }
        for (address, holdings) in &delta.addresses {
            let history = next.history(holdings.iter())?;
            next.by_address.set(next.key.address(address), history);
        }
        (!next.by_id.is_outgrown() && !next.by_address.is_outgrown()).then_some(next)
    }

    /// Adds a member, or replaces what is known about the member.
    fn put(&mut self, subject: &CheckSubject) {
        let assignment = Assignments::number(&mut self.assignments, &subject.assignment);
        if let Some(index) = self.find_member(subject.member.as_str()) {
            let (chunk, place) = place_of(index);
            self.members.change(chunk, |chunk| chunk.set(place, subject, assignment));
            return;
        }
        let index = self.member_count;
        self.member_count += 1;
        let (chunk, _) = place_of(index);
        if chunk == self.members.len() {
            self.members.push(MemberChunk::default());
        }
        self.members.change(chunk, |chunk| chunk.push(subject, assignment));
        self.by_id.insert(self.key.member(subject.member.as_str()), index);
    }

    /// Returns the holdings of an address; `None` if a holder is unknown.
    fn history<'h>(&self, holdings: impl Iterator<Item = &'h StoredHolding>) -> Option<History> {
        let holding = |holding: &StoredHolding| {
            let member = self.find_member(&holding.member_id)?;
            Some(Holding { member, begins: holding.begins_at, is_exact: holding.is_exact })
        };
        holdings.map(holding).collect()
    }
}

/// Returns the chunk of a member, and the place in it.
fn place_of(index: u32) -> (usize, usize) {
    (index as usize / CHUNK, index as usize % CHUNK)
}

#[cfg(test)]
mod tests;
