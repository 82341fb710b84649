//! Moving members to an assignment pins them there; releasing takes the pin away (product.md 5).

use std::collections::HashMap;

use super::MemberState;
use crate::{
    AssignmentId, AssignmentList, Cause, Phase, Plan, Refusal, Timestamp, email_export::Summary, plan::Giving,
    resolution::resolve,
};

/// Plans a move. Whoever is in the assignment already is only pinned.
///
/// # Errors
/// `ASSIGNMENT_NOT_FOUND`.
pub fn plan_move(
    phase: Phase,
    list: &AssignmentList,
    members: &[MemberState],
    target: &AssignmentId,
    summaries: &HashMap<AssignmentId, Summary>,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let target = list.get(target)?;
    let giving = Giving::new(phase, now, list, summaries);
    let mut plan = Plan::default();
    for member in members.iter().filter(|member| !member.is_in(&target.id)) {
        let after = giving.bundle(target, member.held.as_ref());
        plan.push(member.id.clone(), member.held.as_ref(), after, Cause::EnteredAssignment);
    }
    plan.pinned = Some((target.id.clone(), members.iter().map(|member| member.id.clone()).collect()));
    Ok(plan)
}

/// Plans a release: members with a pin lose it and are resolved again, also out of a manual
/// assignment. Members without one are left alone.
#[must_use]
pub fn plan_release(
    phase: Phase,
    list: &AssignmentList,
    members: &[MemberState],
    summaries: &HashMap<AssignmentId, Summary>,
    now: Timestamp,
) -> Plan {
    let giving = Giving::new(phase, now, list, summaries);
    let mut plan = Plan::default();
    for member in members.iter().filter(|member| member.pin.is_some()) {
        let free = MemberState { pin: None, held: None, ..member.clone() };
        let (target, _) = resolve(list, &free);
        if !member.is_in(&target.id) {
            let after = giving.bundle(target, member.held.as_ref());
            plan.push(member.id.clone(), member.held.as_ref(), after, Cause::EnteredAssignment);
        }
        plan.unpinned.push(member.id.clone());
    }
    plan
}
