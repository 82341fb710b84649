//! Deleting an assignment. Its members are resolved again if the request says so (product.md 5).

use std::collections::BTreeSet;

use super::AssignmentList;
use crate::{AssignmentId, Current, Facts, GroupId, Plan, Refusal, Scope, grant::GrantContext, resolution::resolve};

/// A request to delete an assignment.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// The assignment.
    pub id: &'a AssignmentId,
    /// How many members it has, inactive ones included.
    pub members: u32,
    /// How many members are pinned to it.
    pub pins: u32,
    /// Whether its pins are removed and its members are resolved again.
    pub resolve_members: bool,
}

/// A proposal to delete an assignment.
#[derive(Clone, Debug)]
pub struct DeleteAssignment {
    pub(crate) list: AssignmentList,
    id: AssignmentId,
}

/// Deleting an assignment changes the groups of no other one.
static NO_GROUPS: BTreeSet<GroupId> = BTreeSet::new();

impl DeleteAssignment {
    /// Checks a deletion.
    ///
    /// # Errors
    /// The default assignment, an unknown one, or `ASSIGNMENT_HAS_MEMBERS` unless the request resolves them again.
    pub fn propose(current: Current<'_>, deletion: Deletion<'_>) -> Result<Self, Refusal> {
        let Deletion { id, members, pins, resolve_members } = deletion;
        if id.is_default() {
            return Err(Refusal::DefaultAssignmentFixed("deleted"));
        }
        let mut list = current.list.clone();
        list.remove(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))?;
        if !resolve_members && (members, pins) != (0, 0) {
            return Err(Refusal::AssignmentHasMembers { assignment: id.clone(), members, pins });
        }
        Ok(Self { list, id: id.clone() })
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Affected { of_assignment: Some(&self.id), in_groups: &NO_GROUPS, resolves: true }
    }

    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Plan {
        let mut plan = Plan { removed: Some(self.id.clone()), ranks: self.list.ranks(), ..Plan::default() };
        for member in &facts.members {
            grants.enter(&mut plan, member, resolve(&self.list, member).0);
            if member.pin.as_ref() == Some(&self.id) {
                plan.unpinned.push(member.id.clone());
            }
        }
        plan
    }
}
