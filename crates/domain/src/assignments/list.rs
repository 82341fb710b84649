//! The ordered list of assignments (product.md 2).

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::{Assignment, order_mismatch::OrderMismatch};
use crate::{AssignmentId, GroupId, Refusal};

/// An organization's assignments in evaluation order, the default one last. Ranks are the
/// positions from 1, so they are dense and unique by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentList {
    listed: Vec<Assignment>,
    default: Assignment,
    /// The rank of each assignment: a plan looks up assignments once for each member.
    rank_of: HashMap<AssignmentId, u32>,
}

impl AssignmentList {
    /// The list of the given assignments; `listed` is in evaluation order and without the default.
    #[must_use]
    pub fn new(listed: Vec<Assignment>, default: Assignment) -> Self {
        let rank_of = ranks_by_id(&listed, &default);
        Self { listed, default, rank_of }
    }

    /// All assignments with their ranks, the default one last.
    pub fn ranked(&self) -> impl Iterator<Item = (u32, &Assignment)> {
        (1..).zip(self.listed.iter().chain([&self.default]))
    }

    /// The assignments in evaluation order, the default aside.
    #[must_use]
    pub fn listed(&self) -> &[Assignment] {
        &self.listed
    }

    /// How many assignments are listed, the default aside.
    #[must_use]
    pub fn listed_count(&self) -> u32 {
        u32::try_from(self.listed.len()).unwrap_or(u32::MAX)
    }

    /// The assignment that every member is in who matches no other.
    #[must_use]
    pub fn default_assignment(&self) -> &Assignment {
        &self.default
    }

    /// An assignment by id.
    #[must_use]
    pub fn find(&self, id: &AssignmentId) -> Option<&Assignment> {
        self.rank(id).map(|rank| self.at(rank))
    }

    /// An assignment by id.
    ///
    /// # Errors
    /// `ASSIGNMENT_NOT_FOUND`.
    pub fn get(&self, id: &AssignmentId) -> Result<&Assignment, Refusal> {
        self.find(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))
    }

    /// The rank of an assignment.
    #[must_use]
    pub fn rank(&self, id: &AssignmentId) -> Option<u32> {
        self.rank_of.get(id).copied()
    }

    /// The assignment at a rank; the default one beyond the end.
    #[must_use]
    pub fn at(&self, rank: u32) -> &Assignment {
        self.listed.get(index_of(rank)).unwrap_or(&self.default)
    }

    /// For each group, the first rank that names it: all that resolving a member needs.
    #[must_use]
    pub fn first_ranks(&self) -> HashMap<&GroupId, u32> {
        let mut ranks = HashMap::new();
        for (rank, assignment) in self.ranked() {
            for group in &assignment.groups {
                ranks.entry(group).or_insert(rank);
            }
        }
        ranks
    }

    /// The etag of the order. It changes when the order changes, and when an assignment is created or deleted.
    #[must_use]
    pub fn order_etag(&self) -> String {
        let mut hash = Sha256::new();
        for assignment in &self.listed {
            // No id has a comma.
            hash.update(assignment.id.as_str());
            hash.update(",");
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize()[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }

    /// The rank of every assignment, the default one last.
    #[must_use]
    pub fn ranks(&self) -> Vec<(AssignmentId, u32)> {
        self.ranked().map(|(rank, assignment)| (assignment.id.clone(), rank)).collect()
    }

    /// Returns the list in a new order.
    ///
    /// # Errors
    /// `ORDER_SET_MISMATCH` unless `order` is an exact permutation of the listed assignments (product.md 2.1).
    pub(super) fn reordered(&self, order: &[AssignmentId]) -> Result<Self, Refusal> {
        let known: HashMap<&AssignmentId, &Assignment> = self.listed.iter().map(|a| (&a.id, a)).collect();
        let mut seen = HashSet::new();
        let (again, first): (Vec<_>, Vec<_>) = order.iter().partition(|id| !seen.insert(*id));
        let mismatch = OrderMismatch {
            missing: known.keys().filter(|id| !seen.contains(*id)).copied().cloned().collect(),
            unknown: first.iter().filter(|id| !known.contains_key(*id)).copied().cloned().collect(),
            repeated: again.into_iter().cloned().collect(),
        };
        if mismatch != OrderMismatch::default() {
            return Err(Refusal::OrderSetMismatch(mismatch));
        }
        let listed = first.iter().filter_map(|id| known.get(id)).copied().cloned().collect();
        Ok(Self::new(listed, self.default.clone()))
    }

    /// Changes an assignment, except for its id.
    pub(super) fn find_mut(&mut self, id: &AssignmentId) -> Option<&mut Assignment> {
        let rank = self.rank(id)?;
        Some(self.listed.get_mut(index_of(rank)).unwrap_or(&mut self.default))
    }

    /// Inserts at a rank that was checked; beyond the end is the end.
    pub(super) fn insert(&mut self, position: u32, assignment: Assignment) {
        let index = index_of(position.max(1));
        self.listed.insert(index.min(self.listed.len()), assignment);
        self.rank_of = ranks_by_id(&self.listed, &self.default);
    }

    /// Removes a listed assignment.
    pub(super) fn remove(&mut self, id: &AssignmentId) -> Option<Assignment> {
        let index = index_of(self.rank(id)?);
        let removed = (index < self.listed.len()).then(|| self.listed.remove(index))?;
        self.rank_of = ranks_by_id(&self.listed, &self.default);
        Some(removed)
    }
}

fn ranks_by_id(listed: &[Assignment], default: &Assignment) -> HashMap<AssignmentId, u32> {
    listed.iter().chain([default]).map(|assignment| assignment.id.clone()).zip(1..).collect()
}

/// The index in `listed` of a rank.
fn index_of(rank: u32) -> usize {
    usize::try_from(rank).unwrap_or(usize::MAX).wrapping_sub(1)
}
