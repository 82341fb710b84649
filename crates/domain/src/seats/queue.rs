//! The queue of each seat type: who is granted a seat, who begins to wait, and who leaves.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::claims::{Claims, SeatClaims};
use crate::{MemberId, Timestamp};

/// A seat that a member waits for. Pending seats are ordered by age: two writes can have the same time, but never the same
/// revision. Members who began to wait with one write are in byte order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PendingSeat {
    /// When the member began to wait.
    pub since: Timestamp,
    /// The revision that let the member wait; 0 if it is not known.
    pub revision: i64,
    /// The member.
    pub member: MemberId,
}

/// How many seats of a type are used, and how many members wait for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SeatCount {
    /// Members who hold a seat.
    pub used: u32,
    /// Members who wait for a seat.
    pub pending: u32,
}

/// A seat type for which members wait or may begin to wait: its use before the change, with its total after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatQueue {
    /// How many seats there are after the change; `None` for no limit.
    pub total: Option<u32>,
    /// How many seats are held before the change, and how many members wait for one.
    pub count: SeatCount,
    /// The pending seats whose claim ends, and the oldest ones, as many as [`SeatQueue::reach`] says.
    pub pending: BTreeSet<PendingSeat>,
}

impl SeatQueue {
    /// Returns how many of the oldest pending seats must be loaded. No more are needed: each claim that ends frees a seat
    /// or is one of the oldest itself.
    #[must_use]
    pub fn reach(&self, claims: Option<&SeatClaims>) -> u32 {
        let end = claims.map_or(0, |claims| count(claims.end.len()));
        self.total.map_or(u32::MAX, |total| total.saturating_add(end).saturating_sub(self.count.used))
    }

    fn plan(&self, claims: &SeatClaims) -> QueueChanges {
        let oldest = self.pending.iter().map(|pending| pending.member.clone());
        let (left, waiting): (Vec<_>, Vec<_>) = oldest.partition(|member| claims.end.contains(member));
        let used = self.count.used.saturating_sub(count(claims.end.len() - left.len()));
        let free = self.total.map_or(usize::MAX, |total| total.saturating_sub(used) as usize);
        let granted: Vec<MemberId> = waiting.into_iter().take(free).collect();
        let made_pending = claims.begin.iter().skip(free - granted.len()).cloned().collect();
        QueueChanges { granted, made_pending, left }
    }

    /// Counts the seats after the change.
    fn count_after(&self, claims: &SeatClaims, change: &QueueChanges) -> SeatCount {
        let [granted, made_pending, left] =
            [&change.granted, &change.made_pending, &change.left].map(|members| count(members.len()));
        let ended = count(claims.end.len()).saturating_sub(left);
        let begun = count(claims.begin.len()).saturating_sub(made_pending);
        SeatCount {
            used: (self.count.used + begun + granted).saturating_sub(ended),
            pending: (self.count.pending + made_pending).saturating_sub(granted + left),
        }
    }
}

/// What changes in the queue of one seat type.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct QueueChanges {
    /// Members who waited and are granted a seat, the oldest first.
    pub granted: Vec<MemberId>,
    /// Members who begin to wait.
    pub made_pending: Vec<MemberId>,
    /// Members who waited and whose claim ends.
    pub left: Vec<MemberId>,
}

/// What a plan changes about seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeatChanges {
    /// The changed queues by seat type. A seat type without a change is absent.
    pub queues: BTreeMap<String, QueueChanges>,
    /// How many members hold other seats after the plan than before it.
    pub held_changes: u32,
    /// The seats after the plan, by seat type, of the types whose queue may change.
    pub counts: BTreeMap<String, SeatCount>,
}

impl SeatChanges {
    /// Plans which members are granted a seat, which begin to wait and which leave the queue. `queues` has the seat types
    /// whose queue may change: those with a total for which claims begin or end, and those whose total changes.
    #[must_use]
    pub fn plan(claims: &Claims<'_>, queues: &BTreeMap<String, SeatQueue>) -> Self {
        let none = SeatClaims::default();
        let (mut changes, mut counts) = (BTreeMap::new(), BTreeMap::new());
        for (seat_type, queue) in queues {
            let of_type = claims.get(seat_type).unwrap_or(&none);
            let change = queue.plan(of_type);
            counts.insert(seat_type.clone(), queue.count_after(of_type, &change));
            if change != QueueChanges::default() {
                changes.insert(seat_type.clone(), change);
            }
        }
        let held_changes = held_changes(claims, &changes);
        Self { queues: changes, held_changes, counts }
    }

    /// The members who are granted a seat for which they waited, once for each seat.
    pub fn granted(&self) -> impl Iterator<Item = &MemberId> {
        self.queues.values().flat_map(|queue| &queue.granted)
    }
}

/// Counts the members who gain or lose a held seat.
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
