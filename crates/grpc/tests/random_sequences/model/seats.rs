//! Seats with a limited total (product.md 6): claimed, held and pending seats.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Model;

/// The pending seats of a seat type, the oldest first, as (turn, member). The seats of one change have the same turn. Times
/// do not order them, because the clock can be wrong.
pub(crate) type PendingQueue = BTreeSet<(u64, String)>;

impl Model {
    /// Returns the active members whose settings contain a seat, by seat type.
    pub(crate) fn seat_claims(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut claims: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (id, member) in self.members.iter().filter(|(_, member)| member.active) {
            for seat in member.settings["seats"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                claims.entry(seat.to_owned()).or_default().insert(id.clone());
            }
        }
        claims
    }

    /// Returns the pending seats of a member.
    pub(crate) fn pending_seats(&self, member: &str) -> BTreeSet<String> {
        let contains = |queue: &PendingQueue| queue.iter().any(|(_, pending)| pending == member);
        self.pending.iter().filter(|(_, queue)| contains(queue)).map(|(seat, _)| seat.clone()).collect()
    }

    /// Returns the seats that a member holds: the claimed seats that are not pending.
    pub(crate) fn held_seats(&self, member: &str) -> BTreeSet<String> {
        let claimed =
            self.seat_claims().into_iter().filter(|(_, members)| members.contains(member)).map(|(seat, _)| seat);
        let pending = self.pending_seats(member);
        claimed.filter(|seat| !pending.contains(seat)).collect()
    }

    /// Assigns seats after a change. Members who no longer claim a seat free it or leave the queue. Free
    /// seats go to the oldest pending seats first, then to new claims. A new claim without a free seat
    /// becomes pending.
    pub(crate) fn assign_seats(&mut self, before: &Self) {
        let (were, are) = (before.seat_claims(), self.seat_claims());
        let none = BTreeSet::new();
        let seats: BTreeSet<&String> = are.keys().chain(self.pending.keys()).collect();
        let mut pending = BTreeMap::new();
        for seat in seats {
            let (was, is) = (were.get(seat).unwrap_or(&none), are.get(seat).unwrap_or(&none));
            let mut queue = self.pending.get(seat).cloned().unwrap_or_default();
            queue.retain(|(_, member)| is.contains(member));
            let used = is.intersection(was).count() - queue.len();
            let mut free = self.seat_total(seat).map_or(usize::MAX, |total| total.saturating_sub(used));
            while free > 0 && queue.pop_first().is_some() {
                free -= 1;
            }
            let turn = queue.last().map_or(0, |(turn, _)| turn + 1);
            for member in is.difference(was) {
                match free {
                    0 => drop(queue.insert((turn, member.clone()))),
                    _ => free -= 1,
                }
            }
            if !queue.is_empty() {
                pending.insert(seat.clone(), queue);
            }
        }
        self.pending = pending;
    }
}
