//! Seats: who holds one and who waits, where there are only so many (product.md 6).
//!
//! * An active member *claims* every seat that their settings give; an inactive one claims none.
//! * Who claims a seat *holds* it or waits for it: held is claimed less pending. Only a seat type with a total has
//!   pending seats, and they are what is stored. Each seat type is looked at on its own: a seat can be held while
//!   another one that it requires is pending.
//! * One transaction does three things for each seat type, in this order. Claims end: a held seat is free, a pending one
//!   leaves the queue. Free seats go to those who wait, the oldest pending seat first (since when, then the member's id
//!   by bytes). New claims, in byte order of the members' ids, take what is still free; the rest wait from now on.
//! * A claim that goes on, whatever else changes for the member, keeps its seat or its place in the queue. So who only
//!   changes assignment loses nothing, and who becomes active again claims anew, behind those who wait.
//! * Nobody loses a seat because the total is lowered: more can be used than there are, and nothing is granted before
//!   fewer are. A total that is raised or taken away grants at once.
//!
//! So at any time: where somebody waits, all seats are used.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::{
    AssignmentId, Held, MemberId, MemberState, Plan, Settings, SettingsId, Timestamp,
    directory::{Directory, MemberUpsert},
};

/// A member whose claims may change: the settings by which they claim seats, `None` while inactive or not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// The member.
    pub member: MemberId,
    /// By which they claimed until now.
    pub before: Option<SettingsId>,
    /// By which they claim from now on.
    pub after: Option<SettingsId>,
    /// The assignment that they are in from now on.
    pub assignment: AssignmentId,
}

impl Claimant {
    /// Whose claims a plan may change, of the members that it was made with: no plan changes who is active.
    #[must_use]
    pub fn of_plan(plan: &Plan, members: &[MemberState]) -> Vec<Self> {
        let active: HashSet<&MemberId> = members.iter().filter(|m| m.active).map(|m| &m.id).collect();
        let changes = plan.members.iter().filter(|change| change.changes_settings() && active.contains(&change.member));
        let claimant = |change: &crate::MemberChange| Self {
            member: change.member.clone(),
            before: change.before.as_ref().map(|held| held.settings),
            after: Some(change.after.settings),
            assignment: change.after.assignment.clone(),
        };
        changes.map(claimant).collect()
    }

    /// Whose claims a sync may change, which also says who is active.
    #[must_use]
    pub fn of_sync(upserts: &[MemberUpsert], plan: &Plan, directory: &Directory) -> Vec<Self> {
        let active: HashMap<&MemberId, bool> = upserts.iter().map(|upsert| (&upsert.id, upsert.active)).collect();
        let given: HashMap<&MemberId, &Held> =
            plan.members.iter().map(|change| (&change.member, &change.after)).collect();
        let claimant = |member: &MemberId| {
            let known = directory.members.get(member);
            let given = given.get(member).copied().or(known.map(|known| &known.held))?;
            let active = active.get(member).copied().or(known.map(|known| known.active))?;
            let before = known.filter(|known| known.active).map(|known| known.held.settings);
            let after = active.then_some(given.settings);
            (before != after).then(|| Self {
                member: member.clone(),
                before,
                after,
                assignment: given.assignment.clone(),
            })
        };
        let concerned: BTreeSet<&MemberId> = active.keys().chain(given.keys()).copied().collect();
        concerned.into_iter().filter_map(claimant).collect()
    }
}

/// Which claims begin and end, by seat type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims<'a>(BTreeMap<&'a str, SeatClaims>);

/// The claims of one seat type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatClaims {
    /// Who begins to claim.
    pub begin: BTreeSet<MemberId>,
    /// Who claims no longer.
    pub end: BTreeSet<MemberId>,
}

impl<'a> Claims<'a> {
    /// Compares what claimants are given before and after; `settings` has all of their settings.
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

    /// The seat types of which claims begin or end.
    pub fn seat_types(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }

    /// The claims of one seat type, if any begin or end.
    #[must_use]
    pub fn get(&self, seat_type: &str) -> Option<&SeatClaims> {
        self.0.get(seat_type)
    }
}

/// A seat type of which members wait, or will: as it stands, with the total as it will be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatQueue {
    /// How many seats there are from now on; `None` for no limit.
    pub total: Option<u32>,
    /// How many are held.
    pub used: u32,
    /// Who waits, and since when: whoever no longer claims, and the oldest as far as [`SeatQueue::reach`].
    pub pending: BTreeSet<(Timestamp, MemberId)>,
}

impl SeatQueue {
    /// How many of the oldest pending seats have to be known, so that not all of them are loaded: each claim that ends
    /// frees a seat or is among the oldest itself.
    #[must_use]
    pub fn reach(&self, claims: Option<&SeatClaims>) -> u32 {
        let end = claims.map_or(0, |claims| count(claims.end.len()));
        self.total.map_or(u32::MAX, |total| total.saturating_add(end).saturating_sub(self.used))
    }

    fn settle(&self, claims: &SeatClaims) -> QueueChanges {
        let oldest = self.pending.iter().map(|(_, member)| member.clone());
        let (left, waiting): (Vec<_>, Vec<_>) = oldest.partition(|member| claims.end.contains(member));
        let used = self.used.saturating_sub(count(claims.end.len() - left.len()));
        let free = self.total.map_or(usize::MAX, |total| total.saturating_sub(used) as usize);
        let granted: Vec<MemberId> = waiting.into_iter().take(free).collect();
        let made_pending = claims.begin.iter().skip(free - granted.len()).cloned().collect();
        QueueChanges { granted, made_pending, left }
    }
}

/// What happens to the pending seats of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct QueueChanges {
    /// Who waited and holds one from now on, the oldest first.
    pub granted: Vec<MemberId>,
    /// Who begins to wait.
    pub made_pending: Vec<MemberId>,
    /// Who waited and claims no longer.
    pub left: Vec<MemberId>,
}

/// What happens to seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatChanges {
    /// By seat type; one without a change is not here.
    pub queues: BTreeMap<String, QueueChanges>,
    /// How many members hold other seats than before.
    pub held_changes: u32,
}

impl SeatChanges {
    /// Works out who gets a seat, who begins to wait and who leaves the queue. `queues` has the seat types whose pending
    /// seats may change: those with a total of which claims begin or end, and those whose total changes.
    #[must_use]
    pub fn plan(claims: &Claims<'_>, queues: &BTreeMap<String, SeatQueue>) -> Self {
        let none = SeatClaims::default();
        let mut changes = BTreeMap::new();
        for (seat_type, queue) in queues {
            let change = queue.settle(claims.get(seat_type).unwrap_or(&none));
            if change != QueueChanges::default() {
                changes.insert(seat_type.clone(), change);
            }
        }
        let held_changes = held_changes(claims, &changes);
        Self { queues: changes, held_changes }
    }

    /// Members who are granted a seat that they waited for, once for each seat.
    pub fn granted(&self) -> impl Iterator<Item = &MemberId> {
        self.queues.values().flat_map(|queue| &queue.granted)
    }
}

/// Members who hold a seat that they did not hold, or no longer hold one.
fn held_changes(claims: &Claims<'_>, changes: &BTreeMap<String, QueueChanges>) -> u32 {
    let mut members: HashSet<&MemberId> = HashSet::new();
    for (seat_type, SeatClaims { begin, end }) in &claims.0 {
        let queue = changes.get(*seat_type);
        let waiting: HashSet<&MemberId> =
            queue.into_iter().flat_map(|queue| queue.made_pending.iter().chain(&queue.left)).collect();
        members.extend(begin.iter().chain(end).filter(|member| !waiting.contains(member)));
    }
    members.extend(changes.values().flat_map(|queue| &queue.granted));
    count(members.len())
}

fn count(members: usize) -> u32 {
    u32::try_from(members).unwrap_or(u32::MAX)
}
