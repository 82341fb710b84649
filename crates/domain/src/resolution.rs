//! Which assignment a member is in: the pin, else the manual assignment that holds them, else
//! the first one listed that has one of their groups, else the default (product.md 2, 3, 5).

use crate::{Assignment, AssignmentList, MemberState};

/// Why a member is in an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A pin outranks everything.
    Pinned,
    /// Manual editing: the member stays whatever the order and the groups say.
    StaysInManual,
    /// The first assignment listed that has one of the member's groups.
    FirstMatch,
    /// No listed assignment has one of the member's groups.
    NoOtherMatches,
}

/// The assignment that a member is in under `list`, and why. A member who is new, or was released, has no assignment yet;
/// therefore no manual assignment keeps the member.
#[must_use]
pub fn resolve<'a>(list: &'a AssignmentList, member: &MemberState) -> (&'a Assignment, Why) {
    if let Some(pinned) = member.pin.as_ref().and_then(|pin| list.find(pin)) {
        return (pinned, Why::Pinned);
    }
    if let Some(current) = member.held.as_ref().and_then(|held| list.find(&held.assignment))
        && current.holds_members()
    {
        return (current, Why::StaysInManual);
    }
    match member.matching_ranks.iter().min() {
        Some(rank) => (list.at(*rank), Why::FirstMatch),
        None => (list.default_assignment(), Why::NoOtherMatches),
    }
}
