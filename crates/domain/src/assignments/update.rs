//! Updating an assignment. With automatic updates, its members get the new settings too (product.md 3, 4).

use std::collections::BTreeSet;

use super::{Assignment, AssignmentEdit, AssignmentList, input::choice_removed, save};
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
    new_choice: Option<EmailExport>,
    /// Whether the members get the assignment's settings again.
    reapplies_settings: bool,
    /// Whether the update switches manual editing to automatic updates.
    becomes_automatic: bool,
    /// Whether the active members must agree on a value of email export: the assignment is automatic, no value is chosen,
    /// and the organization is migrated (product.md 4.4).
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
        let removes_choice = edit.removes_choice && before.chosen.is_some();
        found.extend(removes_choice.then(|| choice_removed("assignment.email_export")));
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
            new_choice: edit.choose,
            reapplies_settings: automatic && (changes_settings || becomes_automatic),
            becomes_automatic,
            needs_agreement: automatic && !has_choice && current.organization.phase == Phase::Migrated,
            changed_groups,
        })
    }

    /// Whether members can enter or leave the assignment.
    fn may_move_members(&self) -> bool {
        self.becomes_automatic || !self.changed_groups.is_empty()
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        let every_member = self.reapplies_settings || self.needs_agreement || self.new_choice.is_some();
        Scope::Affected {
            of_assignment: every_member.then_some(&self.id),
            in_groups: &self.changed_groups,
            resolves: self.may_move_members(),
        }
    }

    /// Plans the update.
    ///
    /// # Errors
    /// `EMAIL_EXPORT_UNRESOLVED` when the result is an automatic assignment that is still mixed.
    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Result<Plan, Refusal> {
        let mut saved_list = self.list.clone();
        let mut new_choice = self.new_choice;
        if self.needs_agreement {
            let agreed = self.agreed_value(&facts.members)?;
            // The active members have this value already. A switch to automatic updates gives it to the inactive ones too.
            new_choice = self.becomes_automatic.then_some(agreed);
            if let Some(assignment) = saved_list.find_mut(&self.id) {
                assignment.chosen = Some(agreed);
            }
        }
        let saved = saved_list.get(&self.id)?;
        let mut plan = Plan { settings: vec![saved.settings.clone()], ..Plan::default() };
        for member in &facts.members {
            let target = self.target(&saved_list, member);
            if target.id != self.id || !member.is_in(&self.id) {
                grants.enter(&mut plan, member, target);
                continue;
            }
            let Some(before) = &member.held else { continue };
            let with_settings =
                if self.reapplies_settings { grants.settings_only(saved, Some(before)) } else { before.clone() };
            let after = match new_choice {
                Some(value) => grants.chosen(value, &with_settings),
                None => with_settings,
            };
            plan.push(member.id.clone(), Some(before), after, Cause::AssignmentEdited);
        }
        plan.saved = Some(SavedAssignment {
            assignment: saved.clone(),
            rank: saved_list.rank(&self.id).unwrap_or_default(),
            new_uid: None,
            chooses: self.new_choice.is_some(),
        });
        Ok(plan)
    }

    /// The assignment of the member after the update.
    fn target<'a>(&self, list: &'a AssignmentList, member: &MemberState) -> &'a Assignment {
        match &member.held {
            Some(held) if !self.may_move_members() => {
                list.find(&held.assignment).unwrap_or_else(|| list.default_assignment())
            }
            _ => resolve(list, member).0,
        }
    }

    /// The rule that an automatic mixed assignment cannot be saved (product.md 3, 4.4, 4.6): returns the value that every
    /// active member has, or refuses. Members who leave with this update do not count, and members who enter get the
    /// returned value.
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
            "given groups: it takes every member that no other assignment takes; leave its groups empty",
        ));
    }
    Ok(())
}
