//! Moving members to an assignment, which pins them there, and releasing them, which removes their pins (product.md 5).

use std::collections::HashSet;

use super::MemberState;
use crate::{
    AssignmentId, Current, Facts, MemberId, Plan, Refusal, Scope, grant::GrantContext, plan::Pins, resolution::resolve,
};

/// A proposal to move members to an assignment.
#[derive(Clone, Debug)]
pub struct MoveMembers<'a> {
    members: &'a [MemberId],
    target: &'a AssignmentId,
    reason: &'a str,
}

impl<'a> MoveMembers<'a> {
    /// Checks a move of members to the assignment `target`. `reason` is kept with the pins.
    ///
    /// # Errors
    /// `ASSIGNMENT_NOT_FOUND`.
    pub fn propose(
        current: Current<'_>,
        members: &'a [MemberId],
        target: &'a AssignmentId,
        reason: &'a str,
    ) -> Result<Self, Refusal> {
        current.list.get(target)?;
        Ok(Self { members, target, reason })
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Named(self.members)
    }

    /// Plans the move. A member who is in the assignment already is only pinned.
    ///
    /// # Errors
    /// `MEMBER_NOT_FOUND`, with every unknown member.
    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Result<Plan, Refusal> {
        refuse_unknown(self.members, &facts.members)?;
        let target = grants.list().get(self.target)?;
        let mut plan = Plan::default();
        for member in &facts.members {
            grants.enter(&mut plan, member, target);
        }
        let members = facts.members.iter().map(|member| member.id.clone()).collect();
        plan.pinned = Some(Pins { assignment: self.target.clone(), members, reason: self.reason.to_owned() });
        Ok(plan)
    }
}

/// A proposal to release members.
#[derive(Clone, Debug)]
pub struct ReleaseMembers<'a> {
    /// The members to release.
    pub members: &'a [MemberId],
}

impl ReleaseMembers<'_> {
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Named(self.members)
    }

    /// Plans the release. Members with a pin lose it and are resolved again, also out of a manual assignment. Members
    /// without a pin stay as they are.
    ///
    /// # Errors
    /// `MEMBER_NOT_FOUND`, with every unknown member.
    pub(crate) fn plan(&self, facts: &Facts, grants: &GrantContext<'_>) -> Result<Plan, Refusal> {
        refuse_unknown(self.members, &facts.members)?;
        let mut plan = Plan::default();
        for member in facts.members.iter().filter(|member| member.pin.is_some()) {
            let free = MemberState { pin: None, held: None, ..member.clone() };
            grants.enter(&mut plan, member, resolve(grants.list(), &free).0);
            plan.unpinned.push(member.id.clone());
        }
        Ok(plan)
    }
}

fn refuse_unknown(named: &[MemberId], loaded: &[MemberState]) -> Result<(), Refusal> {
    let known: HashSet<&MemberId> = loaded.iter().map(|member| &member.id).collect();
    let unknown: Vec<MemberId> = named.iter().filter(|member| !known.contains(member)).cloned().collect();
    if unknown.is_empty() { Ok(()) } else { Err(Refusal::MemberNotFound(unknown)) }
}
