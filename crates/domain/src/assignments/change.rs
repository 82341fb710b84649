//! Changes of the list: create, update and delete; with those of its order, planned from one description.

use std::collections::{BTreeSet, HashMap};

use super::{
    Assignment, AssignmentList,
    edit::{self, Edit, NewAssignment},
    order::Overtaken,
};
use crate::{
    AssignmentId, Cause, GroupId, Held, MemberState, OrganizationId, Phase, Plan, Refusal, Timestamp,
    catalog::Catalog,
    email_export::{EmailExport, Summary},
    plan::Giving,
    resolution::resolve,
};

/// Which members a change can touch, so that no other has to be loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concerned {
    /// All members of this assignment.
    pub of_assignment: Option<AssignmentId>,
    /// All members who have one of these groups.
    pub in_groups: BTreeSet<GroupId>,
    /// Members whom a new order can move; it concerns no others.
    pub overtaken: Overtaken,
    /// Whether they are resolved again; if not, their matching ranks need not be loaded.
    pub resolve: bool,
}

/// A change of the list that is well formed, waiting for the members it concerns.
#[derive(Clone, Debug)]
pub struct Proposal {
    phase: Phase,
    list: AssignmentList,
    /// The assignment that is created, updated or deleted.
    touched: Option<AssignmentId>,
    concerned: Concerned,
    /// Members of the touched assignment are given its settings.
    reapply: bool,
    /// Members of the touched assignment are given this value.
    choose: Option<EmailExport>,
    /// A tech admin chooses a value with this change, for whomever.
    chooses: bool,
    /// The touched assignment is saved: the rule about mixed assignments applies.
    saved: bool,
    /// Manual editing is switched to automatic updates.
    becomes_automatic: bool,
    removed: bool,
    reranked: bool,
}

impl Proposal {
    fn of(phase: Phase, list: AssignmentList, touched: Option<AssignmentId>) -> Self {
        Self {
            phase,
            list,
            touched,
            concerned: Concerned::default(),
            reapply: false,
            choose: None,
            chooses: false,
            saved: false,
            becomes_automatic: false,
            removed: false,
            reranked: false,
        }
    }

    /// Changes the order of the list and nothing else.
    pub(super) fn of_order(phase: Phase, list: AssignmentList, overtaken: Overtaken) -> Self {
        let concerned = Concerned { overtaken, resolve: true, ..Concerned::default() };
        Self { concerned, reranked: true, ..Self::of(phase, list, None) }
    }

    /// Creates an assignment at `position`, or at the end of the list. `unknown_group` is one that it names and the
    /// organization does not know.
    ///
    /// # Errors
    /// A position beyond the end, bad values, email export missing once migrated; then an unknown group; then a taken
    /// id, or email export given in phase LEGACY.
    pub fn create(
        organization: &OrganizationId,
        phase: Phase,
        catalog: &Catalog,
        mut list: AssignmentList,
        new: NewAssignment,
        position: Option<u32>,
        unknown_group: Option<GroupId>,
    ) -> Result<Self, Refusal> {
        let end = list.listed_count() + 1;
        let position = position.unwrap_or(end);
        let mut found = edit::violations(&new, catalog, true);
        found.extend(edit::missing_choice(phase, &new));
        found.extend(edit::bad_position(position, end));
        Refusal::unless_empty(found)?;
        known(unknown_group)?;
        if list.find(&new.id).is_some() {
            return Err(Refusal::AssignmentExists { organization: organization.clone(), assignment: new.id });
        }
        refuse_in_legacy(organization, phase, new.chosen)?;
        let (touched, in_groups, chooses) = (new.id.clone(), new.groups.clone(), new.chosen.is_some());
        list.insert(position, new);
        let concerned = Concerned { in_groups, resolve: true, ..Concerned::default() };
        Ok(Self { concerned, chooses, saved: true, reranked: true, ..Self::of(phase, list, Some(touched)) })
    }

    /// Updates an assignment. `unknown_group` is one that it is to name and the organization does not know.
    ///
    /// # Errors
    /// An unknown assignment, bad values; then an unknown group; then groups for the default one, or email export given
    /// in phase LEGACY.
    pub fn update(
        organization: &OrganizationId,
        phase: Phase,
        catalog: &Catalog,
        mut list: AssignmentList,
        id: &AssignmentId,
        edit: &Edit,
        unknown_group: Option<GroupId>,
    ) -> Result<Self, Refusal> {
        let before = list.get(id)?.clone();
        let after = edit.applied_to(&before);
        let settings_change = after.settings != before.settings;
        let mut found = edit::violations(&after, catalog, settings_change);
        found.extend((edit.unchoose && before.chosen.is_some()).then(edit::chosen_stays));
        Refusal::unless_empty(found)?;
        known(unknown_group)?;
        refuse_in_legacy(organization, phase, edit.choose)?;
        edit::refuse_groups_of_default(&after)?;

        let automatic = after.update_mode.is_automatic();
        let becomes_automatic = automatic && !before.update_mode.is_automatic();
        let reapply = automatic && (settings_change || becomes_automatic);
        let unsettled = phase == Phase::Migrated && automatic && after.chosen.is_none();
        let whole = becomes_automatic || reapply || unsettled || edit.choose.is_some();
        let concerned = Concerned {
            of_assignment: whole.then(|| id.clone()),
            in_groups: before.groups.symmetric_difference(&after.groups).cloned().collect(),
            resolve: becomes_automatic || before.groups != after.groups,
            ..Concerned::default()
        };
        if let Some(assignment) = list.find_mut(id) {
            *assignment = after;
        }
        Ok(Self {
            concerned,
            reapply,
            choose: edit.choose,
            chooses: edit.choose.is_some(),
            saved: true,
            becomes_automatic,
            ..Self::of(phase, list, Some(id.clone()))
        })
    }

    /// Deletes an assignment. `members` and `pins` are how many it has.
    ///
    /// # Errors
    /// An unknown assignment, the default one, or `ASSIGNMENT_HAS_MEMBERS` unless
    /// `resolve_members`.
    pub fn delete(
        phase: Phase,
        mut list: AssignmentList,
        id: &AssignmentId,
        (members, pins): (u32, u32),
        resolve_members: bool,
    ) -> Result<Self, Refusal> {
        if id.is_default() {
            return Err(Refusal::DefaultAssignmentFixed("deleted"));
        }
        list.remove(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))?;
        if !resolve_members && (members, pins) != (0, 0) {
            return Err(Refusal::AssignmentHasMembers { assignment: id.clone(), members, pins });
        }
        let concerned = Concerned { of_assignment: Some(id.clone()), resolve: true, ..Concerned::default() };
        Ok(Self { concerned, removed: true, reranked: true, ..Self::of(phase, list, Some(id.clone())) })
    }

    /// The list as it would be; members are to be loaded with its ranks.
    #[must_use]
    pub fn list(&self) -> &AssignmentList {
        &self.list
    }

    /// Whom to load.
    #[must_use]
    pub fn concerned(&self) -> &Concerned {
        &self.concerned
    }

    /// Works out what happens to the members concerned. `summaries` holds what the members of
    /// each assignment without a chosen value have before the change.
    ///
    /// # Errors
    /// `EMAIL_EXPORT_UNRESOLVED` when the result is automatic and still mixed.
    pub fn plan(
        mut self,
        members: &[MemberState],
        summaries: &HashMap<AssignmentId, Summary>,
        now: Timestamp,
    ) -> Result<Plan, Refusal> {
        self.settle(members)?;
        let mut plan = Plan::default();
        let giving = Giving::new(self.phase, now, &self.list, summaries);
        for member in members {
            let target = self.target(member);
            let (after, cause) = self.after(&giving, member, target);
            plan.push(member.id.clone(), member.held.as_ref(), after, cause);
            if self.removed && member.pin == self.touched {
                plan.unpinned.push(member.id.clone());
            }
        }
        if self.reranked {
            plan.ranks = self.list.ranked().map(|(rank, a)| (a.id.clone(), rank)).collect();
        }
        if self.saved {
            plan.chooses = self.chooses;
            plan.saved = self.touched().cloned();
            plan.settings.extend(plan.saved.iter().map(|saved| saved.settings.clone()));
        }
        plan.removed = self.touched.filter(|_| self.removed);
        Ok(plan)
    }

    fn touched(&self) -> Option<&Assignment> {
        self.list.find(self.touched.as_ref()?)
    }

    fn target(&self, member: &MemberState) -> &Assignment {
        if let Some(held) = member.held.as_ref().filter(|_| !self.concerned.resolve) {
            return self.list.find(&held.assignment).unwrap_or_else(|| self.list.default_assignment());
        }
        resolve(&self.list, member).0
    }

    fn after(&self, giving: &Giving<'_>, member: &MemberState, target: &Assignment) -> (Held, Cause) {
        let before = member.held.as_ref();
        if !member.is_in(&target.id) {
            return (giving.bundle(target, before), Cause::EnteredAssignment);
        }
        let mut held = member.held.clone().unwrap_or_else(|| giving.bundle(target, before));
        if self.touched.as_ref() == Some(&target.id) {
            if self.reapply {
                held = giving.settings_only(target, before);
            }
            if let Some(value) = self.choose {
                held = giving.chosen(value, &held);
            }
        }
        (held, Cause::AssignmentEdited)
    }

    /// Gives the touched assignment the value that its members agree on, where it is saved as
    /// automatic and nobody has chosen (product.md 3, 4.4, 4.6). Who leaves in the same change
    /// does not count; whoever enters gets the result.
    fn settle(&mut self, members: &[MemberState]) -> Result<(), Refusal> {
        let Some(saved) = self.touched().filter(|_| self.saved) else {
            return Ok(());
        };
        let id = saved.id.clone();
        let chosen_now = self.choose.is_some() || (saved.chosen.is_some() && !self.becomes_automatic);
        if self.phase == Phase::Legacy || !saved.update_mode.is_automatic() || chosen_now {
            return Ok(());
        }
        let stay = members.iter().filter(|m| m.is_in(&id) && self.target(m).id == id);
        let summary = Summary::count(stay.map(|member| (member.active, member.export())));
        let Some(value) = summary.agreed(saved.chosen) else {
            return Err(Refusal::EmailExportUnresolved {
                assignment: id,
                exporting: summary.exporting,
                not_exporting: summary.not_exporting,
            });
        };
        // Only a switch applies every setting to every member; another save changes nobody.
        self.choose = self.becomes_automatic.then_some(value);
        if let Some(saved) = self.list.find_mut(&id) {
            saved.chosen = Some(value);
        }
        Ok(())
    }
}

fn known(unknown_group: Option<GroupId>) -> Result<(), Refusal> {
    unknown_group.map_or(Ok(()), |group| Err(Refusal::GroupNotFound(group)))
}

fn refuse_in_legacy(organization: &OrganizationId, phase: Phase, export: Option<EmailExport>) -> Result<(), Refusal> {
    match (phase, export) {
        (Phase::Legacy, Some(_)) => Err(Refusal::EmailExportNotMigrated(organization.clone())),
        _ => Ok(()),
    }
}
