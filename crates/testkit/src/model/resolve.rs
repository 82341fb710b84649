//! Where a member belongs, what entering gives, and what always holds (product.md 2 to 5).

use std::collections::BTreeSet;

use super::{DEFAULT, Export, Member, Model, Since};

/// What the active members of an assignment have (4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All have the same: whether it is `EXPORT`.
    Same(bool),
    /// They differ.
    Mixed,
}

impl Model {
    /// Where a member belongs: the pin (5), the manual assignment that the member stays in (3), the
    /// first one listed that has one of the member's groups (2.2), or the default one (2.3). Whoever
    /// is `free` stays in none.
    #[must_use]
    pub fn home_of(&self, member: &Member, free: bool) -> String {
        if let Some(pin) = &member.pin {
            return pin.assignment.clone();
        }
        if let Some(current) = self.find(&member.assignment)
            && !current.automatic
            && current.id != DEFAULT
            && !free
        {
            return current.id.clone();
        }
        for assignment in &self.assignments {
            if assignment.groups.iter().any(|group| member.groups.contains(group)) {
                return assignment.id.clone();
            }
        }
        DEFAULT.to_owned()
    }

    /// What some members have, those who are active, in an assignment where `chosen` is the choice.
    #[must_use]
    pub fn state_of(&self, members: &BTreeSet<String>, chosen: Option<bool>) -> State {
        let active = members.iter().map(|id| &self.members[id]).filter(|member| member.active);
        let values: BTreeSet<bool> = active.filter_map(|member| Some(member.export.as_ref()?.exports)).collect();
        match (values.contains(&true), values.contains(&false)) {
            (true, true) => State::Mixed,
            (false, false) => State::Same(chosen.unwrap_or(false)),
            (exports, _) => State::Same(exports),
        }
    }

    /// Resolves everybody again; those in `free` also out of a manual assignment. `before` is the
    /// organization as it was, which decides what an assignment without a choice gives.
    pub(super) fn resolve_everybody(&mut self, free: &BTreeSet<String>, before: &Model, at: i64) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let member = &self.members[&id];
            let home = self.home_of(member, free.contains(&id));
            if home != member.assignment {
                self.enter(&id, &home, before, at);
            }
        }
    }

    /// A member enters an assignment and gets its whole bundle, email export by 4.6.
    pub(super) fn enter(&mut self, id: &str, home: &str, before: &Model, at: i64) {
        let Some(target) = self.find(home).cloned() else { return };
        let Some(member) = self.members.get_mut(id) else { return };
        member.assignment = target.id;
        member.settings = target.settings;
        if !self.migrated {
            return;
        }
        let value = match (target.chosen, before.state_of(&before.members_of(home), None)) {
            (Some(chosen), _) => chosen,
            (None, State::Same(value)) => value,
            (None, State::Mixed) if member.export.is_some() => return,
            (None, State::Mixed) => false,
        };
        self.give(id, value, "ASSIGNMENT", at);
    }

    /// Gives a member a value. A period of `EXPORT` that is under way goes on (4.7).
    pub(super) fn give(&mut self, id: &str, exports: bool, source: &'static str, at: i64) {
        let Some(member) = self.members.get_mut(id) else { return };
        let under_way = member.export.as_ref().and_then(|export| export.since);
        let since = exports.then(|| under_way.unwrap_or(Since::At(at)));
        member.export = Some(Export { exports, since, source });
    }

    /// What does not hold although it always should, in words.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if self.assignments.last().is_none_or(|last| last.id != DEFAULT) {
            broken.push("the default assignment is not the last".to_owned());
        }
        let mut addresses = BTreeSet::new();
        for (id, member) in &self.members {
            if member.active && !addresses.insert(member.email()) {
                broken.push(format!("{id} is not the only active member with {}", member.email()));
            }
            if member.export.is_some() != self.migrated {
                broken.push(format!("{id} has a setting in LEGACY, or none in MIGRATED"));
            }
            let Some(assignment) = self.find(&member.assignment) else {
                broken.push(format!("{id} is in {}, which is not in the list", member.assignment));
                continue;
            };
            if self.home_of(member, false) != assignment.id {
                broken.push(format!("{id} is in {} and belongs elsewhere", assignment.id));
            }
            if !assignment.automatic || !member.active {
                continue;
            }
            // Automatic means that every active member has what the assignment has (3).
            let exports = member.export.as_ref().map(|export| export.exports);
            if member.settings != assignment.settings || (assignment.chosen.is_some() && exports != assignment.chosen) {
                broken.push(format!("{id} does not have what the automatic {} has", assignment.id));
            }
        }
        broken
    }
}
