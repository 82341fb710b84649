//! Moving members to an assignment, which pins them there, and releasing them.

use std::collections::HashMap;

use rollcall_domain::{
    AssignmentId, MemberId, MemberState, Proposal,
    members::{MoveMembers, ReleaseMembers},
    names,
};
use rollcall_store::{WriteTx, assignments::StoredList, audit::Document};
use serde_json::json;

use crate::{Applied, AuditDraft, Operation, Planned, Result, document};

/// A request to move members to an assignment.
#[derive(Clone, Debug)]
pub struct MemberMove<'a> {
    /// The members.
    pub members: &'a [MemberId],
    /// The assignment.
    pub target: &'a AssignmentId,
    /// Why, as the caller wrote it; kept with the pins.
    pub reason: &'a str,
}

impl Operation for MemberMove<'_> {
    /// How many members enter the assignment.
    type Answer = u32;
    type Before = ();
    const NAME: &'static str = "move_members";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, ())> {
        let current = stored.current(tx.organization());
        let moves = MoveMembers::propose(current, self.members, self.target, self.reason)?;
        Ok((Proposal::MoveMembers(moves), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        let after = json!({ "members": self.members, "assignment": self.target, "reason": self.reason });
        AuditDraft {
            resource: names::child(&planned.organization.id, "members"),
            before: placements(planned.facts.members.iter()),
            after: document(after),
        }
    }

    fn answer(&self, (): (), applied: &mut Applied<'_>) -> Result<u32> {
        Ok(applied.planned.plan.counts().assignment_changes)
    }
}

/// A request to release members from their pins. Without a pinned member it changes nothing.
#[derive(Clone, Debug)]
pub struct MemberRelease<'a> {
    /// The members.
    pub members: &'a [MemberId],
}

impl Operation for MemberRelease<'_> {
    /// How many members had a pin.
    type Answer = u32;
    type Before = ();
    const NAME: &'static str = "release_members";

    async fn propose<'a>(&'a self, _: &mut WriteTx, _: &StoredList) -> Result<(Proposal<'a>, ())> {
        Ok((Proposal::ReleaseMembers(ReleaseMembers { members: self.members }), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        AuditDraft {
            resource: names::child(&planned.organization.id, "members"),
            before: placements(planned.facts.members.iter().filter(|member| member.pin.is_some())),
            after: placements_after_release(planned),
        }
    }

    fn answer(&self, (): (), applied: &mut Applied<'_>) -> Result<u32> {
        Ok(u32::try_from(applied.planned.plan.unpinned.len()).unwrap_or(u32::MAX))
    }
}

/// The assignment of each member who had a pin, after the release.
fn placements_after_release(planned: &Planned<'_>) -> Option<Document> {
    let changes = planned.plan.members.iter();
    let entered: HashMap<&MemberId, &AssignmentId> =
        changes.map(|change| (&change.member, &change.after.assignment)).collect();
    let released = planned.facts.members.iter().filter(|member| member.pin.is_some());
    let placements = released.map(|member| {
        let stays = member.held.as_ref().map(|held| &held.assignment);
        json!({ "member": member.id, "assignment": entered.get(&member.id).copied().or(stays) })
    });
    document(json!({ "members": placements.collect::<Vec<_>>() }))
}

/// The assignment of each member, and the assignment that the member is pinned to.
fn placements<'a>(members: impl Iterator<Item = &'a MemberState>) -> Option<Document> {
    let placements = members.map(|member| {
        let assignment = member.held.as_ref().map(|held| &held.assignment);
        let mut placement = json!({ "member": member.id, "assignment": assignment });
        if let Some(pin) = &member.pin {
            placement["pin"] = json!(pin);
        }
        placement
    });
    document(json!({ "members": placements.collect::<Vec<_>>() }))
}
