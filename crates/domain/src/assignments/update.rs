//! Updating an assignment, and with it the members whom its update mode lets follow (product.md 3, 4).

use std::collections::BTreeSet;

use super::{Assignment, AssignmentEdit, AssignmentList, input::choice_taken_back, save};
use crate::{
    AssignmentId, Cause, Current, Facts, GroupId, MemberState, Phase, Plan, Refusal, Scope,
    email_export::{EmailExport, Summary},
    grant::GrantContext,
    plan::SavedAssignment,
    resolution::resolve,
};

/// A proposal to update an assignment.
#[derive(Clone, Debug)]
pub struct UpdateAssignment {
    pub(crate) list: AssignmentList,
    id: AssignmentId,
    /// The value of email export that the update chooses.
    choose: Option<EmailExport>,
    /// Whether members are given the assignment's settings again.
    reapplies_settings: bool,
    /// Whether the update switches manual editing to automatic updates.
    becomes_automatic: bool,
    /// Whether the save must find a value of email export on which the members agree (product.md 4.4).
    needs_agreement: bool,
    /// Groups that the update adds to the assignment or removes from it.
    changed_groups: BTreeSet<GroupId>,
}

impl UpdateAssignment {
    /// Checks an edit of an assignment. `unknown_group` is a group that the edit adds and the organization does not know.
    ///
    /// # Errors
    /// In this order: an unknown assignment; every violation of the values; an unknown group; a value of email export in
    /// phase LEGACY; groups for the default assignment.
    pub fn propose(
        current: Current<'_>,
        id: &AssignmentId,
        edit: &AssignmentEdit,
        unknown_group: Option<GroupId>,
    ) -> Result<Self, Refusal> {
        let before = current.list.get(id)?;
        let after = edit.applied_to(before);
        let changes_settings = after.settings != before.settings;
        let catalog = changes_settings.then_some(&current.organization.catalog);
        let mut found = save::violations(&after, catalog);
        let taken_back = edit.takes_choice_back && before.chosen.is_some();
        found.extend(taken_back.then(|| choice_taken_back("assignment.email_export")));
        Refusal::unless_empty(found)?;
        save::refuse_unknown_group(unknown_group)?;
        current.refuse_email_export_in_legacy(edit.choose)?;
        refuse_groups_of_default(&after)?;

        let automatic = after.update_mode.is_automatic();
        let becomes_automatic = automatic && !before.update_mode.is_automatic();
        let has_choice = edit.choose.is_some() || (after.chosen.is_some() && !becomes_automatic);
        let changed_groups = before.groups.symmetric_difference(&after.groups).cloned().collect();
        let mut list = current.list.clone();
        if let Some(assignment) = list.find_mut(id) {
            *assignment = after;
        }
        Ok(Self {
            list,
            id: id.clone(),
            choose: edit.choose,
            reapplies_settings: automatic && (changes_settings || becomes_automatic),
            becomes_automatic,
            needs_agreement: automatic && !has_choice && current.organization.phase == Phase::Migrated,
            changed_groups,
        })
    }

    fn resolves(&self) -> bool {
        self.becomes_automatic || !self.changed_groups.is_empty()
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        let every_member = self.reapplies_settings || self.needs_agreement || self.choose.is_some();
        Scope::Affected {
            of_assignment: every_member.then_some(&self.id),
            in_groups: &self.changed_groups,
            resolves: self.resolves(),
        }
    }

    /// Plans the update.
    ///
    /// # Errors
    /// `EMAIL_EXPORT_UNRESOLVED` when the result is an automatic assignment that is still mixed.
    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Result<Plan, Refusal> {
        let mut list = self.list.clone();
        let mut choose = self.choose;
        if self.needs_agreement {
            let agreed = self.agreed_value(&facts.members)?;
            // Only a switch to automatic updates applies the value to the members; they agree on it already.
            choose = self.becomes_automatic.then_some(agreed);
            if let Some(assignment) = list.find_mut(&self.id) {
                assignment.chosen = Some(agreed);
            }
        }
        let saved = list.get(&self.id)?;
        let mut plan = Plan { settings: vec![saved.settings.clone()], ..Plan::default() };
        for member in &facts.members {
            let target = self.target(&list, member);
            if target.id != self.id || !member.is_in(&self.id) {
                grants.enter(&mut plan, member, target);
                continue;
            }
            let Some(before) = &member.held else { continue };
            let given =
                if self.reapplies_settings { grants.settings_only(saved, Some(before)) } else { before.clone() };
            let after = choose.map_or_else(|| given.clone(), |value| grants.chosen(value, &given));
            plan.push(member.id.clone(), Some(before), after, Cause::AssignmentEdited);
        }
        plan.saved = Some(SavedAssignment {
            assignment: saved.clone(),
            rank: list.rank(&self.id).unwrap_or_default(),
            new_uid: None,
            chooses: self.choose.is_some(),
        });
        Ok(plan)
    }

    fn target<'a>(&self, list: &'a AssignmentList, member: &MemberState) -> &'a Assignment {
        match &member.held {
            Some(held) if !self.resolves() => list.find(&held.assignment).unwrap_or_else(|| list.default_assignment()),
            _ => resolve(list, member).0,
        }
    }

    /// The rule that an automatic mixed assignment cannot be saved (product.md 3, 4.4, 4.6): returns the value on which
    /// the members agree. Members who leave with this update do not count; members who enter are given the result.
    fn agreed_value(&self, members: &[MemberState]) -> Result<EmailExport, Refusal> {
        let staying = members.iter().filter(|m| m.is_in(&self.id) && self.target(&self.list, m).id == self.id);
        let summary = Summary::count(staying.map(|member| (member.active, member.export())));
        let stored = self.list.get(&self.id)?.chosen;
        summary.agreed(stored).ok_or_else(|| Refusal::EmailExportUnresolved {
            assignment: self.id.clone(),
            exporting: summary.exporting,
            not_exporting: summary.not_exporting,
        })
    }
}

/// The default assignment has no groups (product.md 2.3).
fn refuse_groups_of_default(assignment: &Assignment) -> Result<(), Refusal> {
    if assignment.id.is_default() && !assignment.groups.is_empty() {
        return Err(Refusal::DefaultAssignmentFixed(
            "given groups: it takes every member that no other assignment takes",
        ));
    }
    Ok(())
}
