//! Changing the order of the list: moving one assignment, or giving all of them a new order (product.md 2.1).

use super::{AssignmentList, overtaken::Overtaken, save};
use crate::{AssignmentId, Current, Facts, Plan, Refusal, Scope, grant::GrantContext, resolution::resolve};

/// A proposal to change the order of the list.
#[derive(Clone, Debug)]
pub struct ReorderAssignments {
    pub(crate) list: AssignmentList,
    overtaken: Overtaken,
    /// Whether the order differs from the current one.
    changes_order: bool,
}

impl ReorderAssignments {
    /// Moves one assignment to another rank.
    ///
    /// # Errors
    /// The default assignment, a position beyond the list, or an unknown assignment.
    pub fn propose_move(current: Current<'_>, id: &AssignmentId, position: u32) -> Result<Self, Refusal> {
        if id.is_default() {
            return Err(Refusal::DefaultAssignmentFixed("moved: it is always last"));
        }
        let bad_position = save::bad_position(position, current.list.listed_count().max(1));
        Refusal::unless_empty(bad_position.into_iter().collect())?;
        let mut after = current.list.clone();
        let assignment = after.remove(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))?;
        after.insert(position, assignment);
        Ok(Self::between(current.list, after))
    }

    /// Gives the listed assignments a new order.
    ///
    /// # Errors
    /// `ORDER_SET_MISMATCH` unless `order` is an exact permutation of the listed assignments.
    pub fn propose(current: Current<'_>, order: &[AssignmentId]) -> Result<Self, Refusal> {
        Ok(Self::between(current.list, current.list.reordered(order)?))
    }

    fn between(before: &AssignmentList, after: AssignmentList) -> Self {
        let overtaken = Overtaken::between(before, &after);
        Self { overtaken, changes_order: *before != after, list: after }
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Overtaken(&self.overtaken)
    }

    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Plan {
        let mut plan = Plan::default();
        if self.changes_order {
            plan.ranks = self.list.ranks();
        }
        for member in &facts.members {
            grants.enter(&mut plan, member, resolve(&self.list, member).0);
        }
        plan
    }
}
