//! Which members a new order of the list can move.

use std::collections::{BTreeMap, HashMap};

use super::list::AssignmentList;
use crate::{AssignmentId, GroupId};

/// The members whom a new order can move. A member leaves an automatic assignment only for an assignment that came after
/// it in the old order and comes before it in the new one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overtaken {
    /// The overtaken assignments, with their new ranks: automatic assignments that came before another assignment and come
    /// after it now.
    pub assignments: BTreeMap<AssignmentId, u32>,
    /// The groups of the overtaking assignments, each with the first new rank that names the group. Members of the group
    /// leave an overtaken assignment of a later rank.
    pub groups: BTreeMap<GroupId, u32>,
}

impl Overtaken {
    /// Compares two orders of the same assignments.
    pub(super) fn between(before: &AssignmentList, after: &AssignmentList) -> Self {
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
