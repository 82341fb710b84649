//! Explains why a member is in one assignment and in no other (product.md 9).

use std::collections::BTreeSet;

use crate::{
    Assignment, AssignmentId, AssignmentList, GroupId, MemberState,
    resolution::{Why, resolve},
};

/// Why an assignment is, or is not, the member's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The assignment is the member's, for this reason.
    Wins(Why),
    /// The assignment has none of the member's groups.
    NoSharedGroup,
    /// The assignment matches, but an earlier one matches too. For the default assignment: another one matches.
    ComesLater,
    /// The assignment would be the member's, but the member is pinned to another one.
    PinnedElsewhere,
    /// The assignment would be the member's, but the member stays in a manual one.
    HeldElsewhere,
}

/// The verdict on one assignment of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentVerdict {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its name.
    pub display_name: String,
    /// Its rank, from 1.
    pub rank: u32,
    /// Why the assignment is, or is not, the member's.
    pub verdict: Verdict,
    /// The groups that the member shares with it.
    pub shared: Vec<GroupId>,
}

/// Explains a member whose groups are given; one verdict for each assignment in order.
#[must_use]
pub fn explain(list: &AssignmentList, member: &MemberState, groups: &BTreeSet<GroupId>) -> Vec<AssignmentVerdict> {
    let (winner, why) = resolve(list, member);
    let free = MemberState { pin: None, held: None, ..member.clone() };
    let (would_win, why_free) = resolve(list, &free);
    // A member who matches the manual assignment anyway is in it for that reason.
    let why = if why == Why::StaysInManual && winner.id == would_win.id { why_free } else { why };
    let verdict = |assignment: &Assignment, shared: &[GroupId]| {
        if assignment.id == winner.id {
            Verdict::Wins(why)
        } else if assignment.id == would_win.id {
            if why == Why::Pinned { Verdict::PinnedElsewhere } else { Verdict::HeldElsewhere }
        } else if shared.is_empty() && !assignment.id.is_default() {
            Verdict::NoSharedGroup
        } else {
            Verdict::ComesLater
        }
    };
    list.ranked()
        .map(|(rank, assignment)| {
            let shared: Vec<GroupId> = assignment.groups.intersection(groups).cloned().collect();
            AssignmentVerdict {
                assignment: assignment.id.clone(),
                display_name: assignment.display_name.clone(),
                rank,
                verdict: verdict(assignment, &shared),
                shared,
            }
        })
        .collect()
}
