//! Creating an assignment at a position of the list (product.md 2.1, 4.1).

use uuid::Uuid;

use super::{Assignment, AssignmentList, save};
use crate::{
    Current, Facts, GroupId, Phase, Plan, Refusal, Scope, Violation, ViolationKind, grant::GrantContext,
    plan::SavedAssignment, resolution::resolve,
};

/// An assignment to be created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAssignment {
    /// Its values.
    pub assignment: Assignment,
    /// Its unique id.
    pub uid: Uuid,
    /// Its rank, from 1; `None` for the end of the list.
    pub position: Option<u32>,
}

/// A proposal to create an assignment.
#[derive(Clone, Debug)]
pub struct CreateAssignment {
    pub(crate) list: AssignmentList,
    saved: SavedAssignment,
}

impl CreateAssignment {
    /// Checks a new assignment. `unknown_group` is a group that it names and the organization does not know.
    ///
    /// # Errors
    /// In this order: every violation of the values, the position and a missing value of email export; an unknown group;
    /// a taken id; a value of email export in phase LEGACY.
    pub fn propose(current: Current<'_>, new: NewAssignment, unknown_group: Option<GroupId>) -> Result<Self, Refusal> {
        let NewAssignment { assignment, uid, position } = new;
        let end = current.list.listed_count() + 1;
        let position = position.unwrap_or(end);
        let mut found = save::violations(&assignment, Some(&current.organization.catalog));
        found.extend(missing_choice(current.organization.phase, &assignment));
        found.extend(save::bad_position(position, end));
        Refusal::unless_empty(found)?;
        save::refuse_unknown_group(unknown_group)?;
        if current.list.find(&assignment.id).is_some() {
            let organization = current.organization.id.clone();
            return Err(Refusal::AssignmentExists { organization, assignment: assignment.id });
        }
        current.refuse_email_export_in_legacy(assignment.chosen)?;
        let mut list = current.list.clone();
        list.insert(position, assignment.clone());
        let chooses = assignment.chosen.is_some();
        Ok(Self { list, saved: SavedAssignment { assignment, rank: position, new_uid: Some(uid), chooses } })
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Affected { of_assignment: None, in_groups: &self.saved.assignment.groups, resolves: true }
    }

    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Plan {
        let mut plan = Plan {
            saved: Some(self.saved.clone()),
            settings: vec![self.saved.assignment.settings.clone()],
            ranks: self.list.ranks(),
            ..Plan::default()
        };
        for member in &facts.members {
            grants.enter(&mut plan, member, resolve(&self.list, member).0);
        }
        plan
    }
}

/// A new assignment of a migrated organization needs a value of email export (product.md 4.1).
fn missing_choice(phase: Phase, assignment: &Assignment) -> Option<Violation> {
    if phase == Phase::Legacy || assignment.chosen.is_some() {
        return None;
    }
    let description = "choose EMAIL_EXPORT_EXPORT or EMAIL_EXPORT_DO_NOT_EXPORT: a new assignment needs a value";
    let violation = Violation::new(ViolationKind::EmailExportRequired, "assignment.email_export", description);
    Some(violation.with("field", "email_export"))
}
