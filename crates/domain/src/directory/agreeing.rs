//! Rows that name the same member or group: they count once if they agree.

use std::{
    collections::{HashMap, HashSet},
    hash::Hash,
};

use super::Rejection;
use crate::Violation;

/// Rows that name one thing each; rows that say the same count once. Of rows that contradict each other none is taken, nor
/// is one that stands beside a row that cannot be.
#[derive(Debug)]
pub(super) struct Agreeing<I, V> {
    kind: &'static str,
    /// What the first row of each says, in the order of these rows.
    taken: Vec<(I, V)>,
    /// The place in `taken`, and how many rows with a valid value name it.
    named: HashMap<I, (usize, u32)>,
    rejected: HashSet<I>,
}

impl<I: Clone + Eq + Hash + ToString, V: PartialEq> Agreeing<I, V> {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, taken: Vec::new(), named: HashMap::new(), rejected: HashSet::new() }
    }

    pub(super) fn add(&mut self, id: I, value: Result<V, Violation>, rejections: &mut Vec<Rejection>) {
        let value = match value {
            Ok(value) => value,
            Err(violation) => {
                // The id is valid: the member or group that it names counts as present.
                rejections.push(Rejection::of(self.kind, id.to_string(), violation));
                self.rejected.insert(id);
                return;
            }
        };
        let (index, rows) = self.named.entry(id.clone()).or_insert((self.taken.len(), 0));
        *rows += 1;
        match self.taken.get(*index) {
            Some((_, first)) if *first != value => {
                self.rejected.insert(id);
            }
            Some(_) => {}
            None => self.taken.push((id, value)),
        }
    }

    /// Returns what is taken, and what the rejected rows name.
    pub(super) fn finish(mut self, rejections: &mut Vec<Rejection>) -> (Vec<(I, V)>, HashSet<I>) {
        if self.rejected.is_empty() {
            return (self.taken, self.rejected);
        }
        let kind = self.kind;
        for (id, _) in self.taken.iter().filter(|(id, _)| self.rejected.contains(id)) {
            for _ in 0..self.named.get(id).map_or(0, |(_, rows)| *rows) {
                let reason = format!("the sync names this {kind} twice with different values; send one row");
                rejections.push(Rejection { kind, key: id.to_string(), reason });
            }
        }
        self.taken.retain(|(id, _)| !self.rejected.contains(id));
        (self.taken, self.rejected)
    }
}
