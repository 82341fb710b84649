//! The order of the list: moving one assignment, putting all of them in a new order, and whom that concerns.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use sha2::{Digest, Sha256};

use super::{Assignment, AssignmentList, Proposal, edit};
use crate::{AssignmentId, GroupId, Phase, Refusal, refusal::NAMED_MAX};

/// Why an order is not an exact permutation of the listed assignments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderMismatch {
    /// Listed, but not in the order.
    pub missing: BTreeSet<AssignmentId>,
    /// In the order, but not listed.
    pub unknown: BTreeSet<AssignmentId>,
    /// More than once in the order.
    pub repeated: BTreeSet<AssignmentId>,
}

impl OrderMismatch {
    /// Every id that the message mentions, by what is wrong with it.
    pub(crate) fn metadata(&self) -> Vec<(&'static str, String)> {
        let named = |ids: &BTreeSet<AssignmentId>| named(ids, "", ",");
        let repeated = (!self.repeated.is_empty()).then(|| ("repeated", named(&self.repeated)));
        [("missing", named(&self.missing)), ("unknown", named(&self.unknown))].into_iter().chain(repeated).collect()
    }
}

impl fmt::Display for OrderMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let default = self.unknown.iter().any(AssignmentId::is_default);
        let unknown = if default { "unknown (the default one is always last)" } else { "unknown" };
        let sets = [("missing", &self.missing), (unknown, &self.unknown), ("there more than once", &self.repeated)];
        let sets = sets.iter().filter(|(_, ids)| !ids.is_empty());
        let parts: Vec<String> = sets.map(|(what, ids)| format!("{} {what}", named(ids, "`", ", "))).collect();
        f.write_str(&parts.join("; "))
    }
}

/// The first few ids, joined.
fn named(ids: &BTreeSet<AssignmentId>, quote: &str, separator: &str) -> String {
    let named: Vec<String> = ids.iter().take(NAMED_MAX).map(|id| format!("{quote}{id}{quote}")).collect();
    named.join(separator)
}

/// Whom a new order can move. Somebody whom an automatic assignment has by its groups leaves it only for one that came
/// after it and comes before it now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overtaken {
    /// Automatic assignments that came before others and come after them now, with their new ranks.
    pub assignments: BTreeMap<AssignmentId, u32>,
    /// The groups of those others, each with the first new rank that names it: its members leave an assignment of a later
    /// rank.
    pub groups: BTreeMap<GroupId, u32>,
}

impl Overtaken {
    /// Compares two orders of the same assignments.
    fn between(before: &AssignmentList, after: &AssignmentList) -> Self {
        let old: HashMap<&AssignmentId, u32> = before.ranked().map(|(rank, a)| (&a.id, rank)).collect();
        let first_ranks = after.first_ranks();
        let mut overtaken = Self::default();
        let mut last = 0;
        for (rank, assignment) in after.ranked() {
            if old[&assignment.id] < last && !assignment.holds_members() {
                overtaken.assignments.insert(assignment.id.clone(), rank);
            }
            last = last.max(old[&assignment.id]);
        }
        let mut first = u32::MAX;
        for assignment in after.listed().iter().rev() {
            if old[&assignment.id] > first {
                let ranked = |group: &GroupId| (group.clone(), first_ranks[group]);
                overtaken.groups.extend(assignment.groups.iter().map(ranked));
            }
            first = first.min(old[&assignment.id]);
        }
        overtaken
    }
}

impl AssignmentList {
    /// The etag of the order: it changes with it, and with which assignments are listed.
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

    fn reordered(&self, order: &[AssignmentId]) -> Result<Self, Refusal> {
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
        Ok(Self { listed, default: self.default.clone() })
    }
}

impl Proposal {
    /// Moves an assignment to another rank.
    ///
    /// # Errors
    /// An unknown assignment, the default one, or a position beyond the list.
    pub fn move_to(phase: Phase, list: &AssignmentList, id: &AssignmentId, position: u32) -> Result<Self, Refusal> {
        if id.is_default() {
            return Err(Refusal::DefaultAssignmentFixed("moved: it is always last"));
        }
        let bad_position = edit::bad_position(position, list.listed_count().max(1));
        Refusal::unless_empty(bad_position.into_iter().collect())?;
        let mut after = list.clone();
        let assignment = after.remove(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))?;
        after.insert(position, assignment);
        let overtaken = Overtaken::between(list, &after);
        Ok(Self::of_order(phase, after, overtaken))
    }

    /// Puts the listed assignments in a new order.
    ///
    /// # Errors
    /// `ORDER_SET_MISMATCH` unless `order` is an exact permutation of them.
    pub fn reorder(phase: Phase, list: &AssignmentList, order: &[AssignmentId]) -> Result<Self, Refusal> {
        let after = list.reordered(order)?;
        let overtaken = Overtaken::between(list, &after);
        Ok(Self::of_order(phase, after, overtaken))
    }
}
