//! The resolution of members, the entry into an assignment, and the invariants (product.md 2 to 5).

use std::collections::BTreeSet;

use super::{DEFAULT, ExportStart, Model, ModelExport, ModelMember};

/// The email export state of an assignment, derived from its active members (4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExportState {
    /// All have the same value: true for `EXPORT`.
    Uniform(bool),
    /// They have different values.
    Mixed,
}

impl Model {
    /// Returns the id of the assignment that a member belongs to: the pinned one (5), the manual one in
    /// which the member stays (3), the first listed one that has one of the member's groups (2.2), or
    /// the default one (2.3). A `released` member does not stay in a manual assignment.
    pub(crate) fn resolve_assignment(&self, member: &ModelMember, released: bool) -> String {
        if let Some(pin) = &member.pin {
            return pin.assignment.clone();
        }
        if let Some(current) = self.find_assignment(&member.assignment)
            && !current.automatic
            && current.id != DEFAULT
            && !released
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

    /// Returns the email export state of the active `members` of an assignment with a `chosen` value.
    pub(crate) fn export_state(&self, members: &BTreeSet<String>, chosen: Option<bool>) -> ExportState {
        let active = members.iter().map(|id| &self.members[id]).filter(|member| member.active);
        let values: BTreeSet<bool> = active.filter_map(|member| Some(member.export.as_ref()?.exports)).collect();
        match (values.contains(&true), values.contains(&false)) {
            (true, true) => ExportState::Mixed,
            (false, false) => ExportState::Uniform(chosen.unwrap_or(false)),
            (exports, _) => ExportState::Uniform(exports),
        }
    }

    /// Resolves all members again. Members in `released` may also leave a manual assignment. `before` is the
    /// organization before the change. It decides which value an assignment without a chosen value gives.
    pub(crate) fn resolve_members(&mut self, released: &BTreeSet<String>, before: &Model, at: i64) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let member = &self.members[&id];
            let home = self.resolve_assignment(member, released.contains(&id));
            if home != member.assignment {
                self.enter(&id, &home, before, at);
            }
        }
    }

    /// Makes a member enter an assignment: applies the whole bundle, with email export by 4.6.
    pub(crate) fn enter(&mut self, id: &str, home: &str, before: &Model, at: i64) {
        let Some(target) = self.find_assignment(home).cloned() else { return };
        let Some(member) = self.members.get_mut(id) else { return };
        member.assignment = target.id;
        member.settings = target.settings;
        if !self.migrated {
            return;
        }
        let value = match (target.chosen, before.export_state(&before.member_ids_of(home), None)) {
            (Some(chosen), _) => chosen,
            (None, ExportState::Uniform(value)) => value,
            (None, ExportState::Mixed) if member.export.is_some() => return,
            (None, ExportState::Mixed) => false,
        };
        self.set_export(id, value, "ASSIGNMENT", at);
    }

    /// Sets the email export of a member. A current period of `EXPORT` continues (4.7).
    pub(crate) fn set_export(&mut self, id: &str, exports: bool, source: &'static str, at: i64) {
        let Some(member) = self.members.get_mut(id) else { return };
        let current_start = member.export.as_ref().and_then(|export| export.since);
        let since = exports.then(|| current_start.unwrap_or(ExportStart::At(at)));
        member.export = Some(ModelExport { exports, since, source });
    }

    /// Returns a description of each violated invariant.
    pub(crate) fn invariant_violations(&self) -> Vec<String> {
        let mut violations = Vec::new();
        if self.assignments.last().is_none_or(|last| last.id != DEFAULT) {
            violations.push("the default assignment is not the last one".to_owned());
        }
        let mut addresses = BTreeSet::new();
        for (id, member) in &self.members {
            if member.active && !addresses.insert(member.email()) {
                violations.push(format!("{id} is not the only active member with {}", member.email()));
            }
            if member.export.is_some() != self.migrated {
                violations.push(format!("{id} has an email export setting in LEGACY, or none in MIGRATED"));
            }
            let Some(assignment) = self.find_assignment(&member.assignment) else {
                violations.push(format!("{id} is in {}, which is not in the list", member.assignment));
                continue;
            };
            if self.resolve_assignment(member, false) != assignment.id {
                violations.push(format!("{id} is in {} and belongs to another assignment", assignment.id));
            }
            if !assignment.automatic || !member.active {
                continue;
            }
            // Every active member of an automatic assignment has the assignment's settings (3).
            let exports = member.export.as_ref().map(|export| export.exports);
            if member.settings != assignment.settings || (assignment.chosen.is_some() && exports != assignment.chosen) {
                violations.push(format!("{id} does not have the settings of the automatic {}", assignment.id));
            }
        }
        violations
    }
}
