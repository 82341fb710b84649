//! What an assignment gives to a member who enters it, or who is in it when it is saved (product.md 3, 4).

use std::collections::HashMap;

use crate::{
    Assignment, AssignmentId, AssignmentList, Cause, Held, MemberState, Phase, Plan, SettingsId, Timestamp,
    email_export::{self, EmailExport, MemberExport, Source, State},
};

/// Computes what an assignment gives to a member, under the list as it will be and with the members as they were.
#[derive(Debug)]
pub(crate) struct GrantContext<'a> {
    phase: Phase,
    now: Timestamp,
    list: &'a AssignmentList,
    settings: HashMap<&'a AssignmentId, SettingsId>,
    states: &'a HashMap<AssignmentId, State>,
}

impl<'a> GrantContext<'a> {
    /// Makes the context of a change at `now`. `states` holds, for each assignment without a chosen value, what its
    /// active members have before the change.
    pub(crate) fn new(
        phase: Phase,
        now: Timestamp,
        list: &'a AssignmentList,
        states: &'a HashMap<AssignmentId, State>,
    ) -> Self {
        let settings = list.ranked().map(|(_, a)| (&a.id, a.settings.id())).collect();
        Self { phase, now, list, settings, states }
    }

    /// The list as it will be.
    pub(crate) fn list(&self) -> &'a AssignmentList {
        self.list
    }

    /// Adds to the plan that a member enters an assignment, unless the member is in it already.
    pub(crate) fn enter(&self, plan: &mut Plan, member: &MemberState, target: &Assignment) {
        if !member.is_in(&target.id) {
            let before = member.held.as_ref();
            plan.push(member.id.clone(), before, self.bundle(target, before), Cause::EnteredAssignment);
        }
    }

    /// Returns everything that a member gets by entering the assignment.
    pub(crate) fn bundle(&self, target: &Assignment, before: Option<&Held>) -> Held {
        Held { export: self.entering(target, before), ..self.settings_only(target, before) }
    }

    /// Returns the assignment's seats, workspaces and data capture, with the member's own email export.
    pub(crate) fn settings_only(&self, target: &Assignment, before: Option<&Held>) -> Held {
        let settings = self.settings.get(&target.id).copied().unwrap_or_else(|| target.settings.id());
        Held { assignment: target.id.clone(), settings, export: before.and_then(|held| held.export) }
    }

    /// Returns what a member of the assignment has once a tech admin has chosen a value of email export on it.
    pub(crate) fn chosen(&self, value: EmailExport, held: &Held) -> Held {
        let export = MemberExport::given(value, Source::Assignment, held.export, self.now);
        Held { export: Some(export), ..held.clone() }
    }

    fn entering(&self, target: &Assignment, before: Option<&Held>) -> Option<MemberExport> {
        if self.phase == Phase::Legacy {
            return None;
        }
        let state = self.states.get(&target.id).copied().unwrap_or(State::DoNotExport);
        Some(email_export::entering(target.chosen, state, before.and_then(|held| held.export), self.now))
    }
}
