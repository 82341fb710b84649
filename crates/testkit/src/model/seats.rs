//! Seats of which there are only so many (product.md 6): who claims one, who holds one, who waits.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Model;

/// Who waits for a seat, the oldest first: since when, and who.
pub type Queue = BTreeSet<(i64, String)>;

impl Model {
    /// The active members whose settings give a seat, by seat type.
    #[must_use]
    pub fn claims(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut claims: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (id, member) in self.members.iter().filter(|(_, member)| member.active) {
            for seat in member.settings["seats"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                claims.entry(seat.to_owned()).or_default().insert(id.clone());
            }
        }
        claims
    }

    /// The seats that a member waits for.
    #[must_use]
    pub fn pending_of(&self, member: &str) -> BTreeSet<String> {
        let waits = |queue: &Queue| queue.iter().any(|(_, waiting)| waiting == member);
        self.pending.iter().filter(|(_, queue)| waits(queue)).map(|(seat, _)| seat.clone()).collect()
    }

    /// The seats that a member holds: those that they claim and do not wait for.
    #[must_use]
    pub fn held_by(&self, member: &str) -> BTreeSet<String> {
        let claimed = self.claims().into_iter().filter(|(_, members)| members.contains(member)).map(|(seat, _)| seat);
        let pending = self.pending_of(member);
        claimed.filter(|seat| !pending.contains(seat)).collect()
    }

    /// After a change: whoever claims no longer leaves, free seats go to the oldest pending ones, and
    /// those who begin to claim get what is left, or wait from now on. Nobody loses a seat otherwise.
    pub(super) fn settle_seats(&mut self, before: &Self, at: i64) {
        let (were, are) = (before.claims(), self.claims());
        let nobody = BTreeSet::new();
        let seats: BTreeSet<&String> = are.keys().chain(self.pending.keys()).collect();
        let mut pending = BTreeMap::new();
        for seat in seats {
            let (was, is) = (were.get(seat).unwrap_or(&nobody), are.get(seat).unwrap_or(&nobody));
            let mut queue = self.pending.get(seat).cloned().unwrap_or_default();
            queue.retain(|(_, member)| is.contains(member));
            let used = is.intersection(was).count() - queue.len();
            let mut free = self.total_of(seat).map_or(usize::MAX, |total| total.saturating_sub(used));
            while free > 0 && queue.pop_first().is_some() {
                free -= 1;
            }
            for member in is.difference(was) {
                match free {
                    0 => drop(queue.insert((at, member.clone()))),
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
