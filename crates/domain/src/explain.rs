//! Why a member is in their assignment and in no other (product.md 9).

use std::collections::BTreeSet;

use crate::{
    Assignment, AssignmentList, GroupId, MemberState,
    resolution::{Why, resolve},
};

/// What one assignment has to do with a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the member's, and why.
    Wins(Why),
    /// It has none of the member's groups.
    NoSharedGroup,
    /// It matches, but an earlier one does too; of the default one: some other matches.
    ComesLater,
    /// It would be the member's, but a pin holds them elsewhere.
    PinnedElsewhere,
    /// It would be the member's, but a manual assignment holds them.
    HeldElsewhere,
}

/// The verdict on one assignment of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained<'a> {
    /// Its rank.
    pub rank: u32,
    /// The assignment.
    pub assignment: &'a Assignment,
    /// Why it is, or is not, the member's.
    pub verdict: Verdict,
    /// The groups that the member shares with it.
    pub shared: Vec<GroupId>,
}

/// Explains a member whose groups are given; one verdict for each assignment in order.
#[must_use]
pub fn explain<'a>(list: &'a AssignmentList, member: &MemberState, groups: &BTreeSet<GroupId>) -> Vec<Explained<'a>> {
    let (winner, why) = resolve(list, member);
    let free = MemberState { pin: None, held: None, ..member.clone() };
    let (would_win, why_free) = resolve(list, &free);
    // A manual assignment holds nobody who would be in it anyway.
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
            Explained { rank, assignment, verdict: verdict(assignment, &shared), shared }
        })
        .collect()
}
