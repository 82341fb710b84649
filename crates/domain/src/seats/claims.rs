//! Which claims on seats a plan begins and ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{AssignmentId, Facts, Held, MemberId, MemberState, Plan, Settings, SettingsId};

/// A member whose claims change: the settings by which the member claims seats, `None` while the member is inactive or
/// does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The member.
    pub member: MemberId,
    /// The settings by which the member claims seats before the change.
    pub before: Option<SettingsId>,
    /// The settings by which the member claims seats after the change.
    pub after: Option<SettingsId>,
    /// The member's assignment after the change.
    pub assignment: AssignmentId,
}

impl Claimant {
    /// Lists the members whose claims a plan changes, in byte order of their ids. `facts` is what the plan was made with.
    #[must_use]
    pub fn list(plan: &Plan, facts: &Facts) -> Vec<Self> {
        let loaded: HashMap<&MemberId, &MemberState> = facts.members.iter().map(|m| (&m.id, m)).collect();
        let stored = |member: &MemberId| match facts.directory.members.get(member) {
            Some(known) => Some((known.active, &known.held)),
            None => loaded.get(member).and_then(|state| Some((state.active, state.held.as_ref()?))),
        };
        let active: HashMap<&MemberId, bool> = plan.directory.members.iter().map(|u| (&u.id, u.active)).collect();
        let after: HashMap<&MemberId, &Held> = plan.members.iter().map(|c| (&c.member, &c.after)).collect();
        let changes = plan.members.iter().filter(|change| change.changes_settings()).map(|change| &change.member);
        let changed: BTreeSet<&MemberId> = changes.chain(active.keys().copied()).collect();
        let claimant = |member: &MemberId| {
            let before = stored(member);
            let held = after.get(member).copied().or(before.map(|(_, held)| held))?;
            let is_active = active.get(member).copied().or(before.map(|(active, _)| active))?;
            let before = before.filter(|(active, _)| *active).map(|(_, held)| held.settings);
            let after = is_active.then_some(held.settings);
            let assignment = held.assignment.clone();
            (before != after).then(|| Self { member: member.clone(), before, after, assignment })
        };
        changed.into_iter().filter_map(claimant).collect()
    }
}

/// Which claims begin and end, by seat type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims<'a>(pub(super) BTreeMap<&'a str, SeatClaims>);

/// The claims of one seat type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatClaims {
    /// Members who begin to claim the seat.
    pub begin: BTreeSet<MemberId>,
    /// Members whose claim ends.
    pub end: BTreeSet<MemberId>,
}

impl<'a> Claims<'a> {
    /// Compares the seats that claimants are given before and after a change. `settings` has all of their settings.
    #[must_use]
    pub fn of(claimants: &[Claimant], settings: &'a HashMap<SettingsId, Settings>) -> Self {
        let none = BTreeSet::new();
        let mut claims = Self::default();
        for Claimant { member, before, after, .. } in claimants {
            let seats = |id: &Option<SettingsId>| id.and_then(|id| settings.get(&id)).map(|given| &given.seats);
            let (before, after) = (seats(before), seats(after));
            for seat in after.into_iter().flatten().filter(|seat| !before.unwrap_or(&none).contains(*seat)) {
                claims.0.entry(seat).or_default().begin.insert(member.clone());
            }
            for seat in before.into_iter().flatten().filter(|seat| !after.unwrap_or(&none).contains(*seat)) {
                claims.0.entry(seat).or_default().end.insert(member.clone());
            }
        }
        claims
    }

    /// The seat types for which claims begin or end.
    pub fn seat_types(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }

    /// The claims of one seat type, if any begin or end.
    #[must_use]
    pub fn get(&self, seat_type: &str) -> Option<&SeatClaims> {
        self.0.get(seat_type)
    }
}
