//! The ordered list of assignments: reading it, and every change of it.

mod create;
mod delete;
mod lint;
mod mixed;
mod move_to;
mod read;
mod reorder;
mod update;

use rollcall_domain::{
    Assignment, AssignmentId, MemberState, Phase, Plan, Refusal, assignments::Proposal, email_export::Summary,
    seats::Claimant,
};
use rollcall_store::{
    ReadTx, WriteTx,
    assignments::{self as store, AssignmentMeta, StoredList},
    changes::{self, Extra},
    members,
};
use serde_json::Value;
use uuid::Uuid;

pub use mixed::MixedAssignment;
pub use read::{Listed, Unseen};
pub use update::{MakeEdit, Update};

use crate::{Caller, Changed, Preview, Result, Warning, seats};

/// An assignment with everything that is shown of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentView {
    /// Its values.
    pub assignment: Assignment,
    /// Its position, from 1.
    pub rank: u32,
    /// What is stored beside it; absent for one that was not written.
    pub meta: Option<AssignmentMeta>,
    /// What its members have.
    pub summary: Summary,
    /// Who decides about email export.
    pub phase: Phase,
}

/// What makes a proposal an event of the audit and a row.
struct Carry<'a> {
    caller: &'a Caller,
    resource: String,
    before: Option<Value>,
    /// Beside the assignment that is saved, if one is.
    after: Option<Value>,
    new_uid: Uuid,
}

/// What came of a proposal.
struct Done {
    plan: Plan,
    /// Whom it was planned with.
    members: Vec<MemberState>,
    revision: i64,
    warnings: Vec<Warning>,
}

/// Plans a proposal with the members it concerns, and writes it unless it is only to be checked.
async fn carry_out(tx: &mut WriteTx, before: &StoredList, proposal: Proposal, carry: Carry<'_>) -> Result<Done> {
    let members = members::list_concerned(tx, proposal.concerned(), proposal.list()).await?;
    let summaries = store::count_unchosen(tx, &before.list).await?;
    let list = proposal.list().clone();
    let mut plan = proposal.plan(&members, &summaries, tx.now())?;
    let claimants = |plan: &Plan| Claimant::of_plan(plan, &members);
    let mut warnings = lint::warnings(tx, &before.list, &list, plan.saved.as_ref()).await?;
    warnings.extend(seats::settle(tx, &mut plan, claimants, carry.caller.validate_only).await?);
    if carry.caller.validate_only {
        return Ok(Done { plan, members, revision: tx.organization().revision, warnings });
    }
    let mut after = carry.after;
    if let Some((after, saved)) = after.as_mut().zip(plan.saved.as_ref()) {
        // As it is saved: with what the members agree on, where nobody has chosen (product.md 4.6).
        after["assignment"] = serde_json::json!(saved);
    }
    let event = carry.caller.event(carry.resource, carry.before, after);
    let revision = changes::apply(tx, &plan, &Extra { new_uid: carry.new_uid, reason: "" }, event).await?;
    Ok(Done { plan, members, revision, warnings })
}

/// What a change of an assignment answers: the stored assignment, or what it would be.
async fn answer(
    tx: &mut WriteTx,
    caller: &Caller,
    id: &AssignmentId,
    Done { plan, members, revision, warnings }: Done,
    before: &StoredList,
) -> Result<Changed<AssignmentView>> {
    if !caller.validate_only {
        let value = get_view(tx, id).await?;
        return Ok(Changed { value, preview: None, revision, warnings });
    }
    let rank = plan.ranks.iter().find(|(ranked, _)| ranked == id).map(|(_, rank)| *rank);
    let saved = plan.saved.clone().or_else(|| before.list.find(id).cloned());
    let summary = store::count_members(tx, Some(vec![id])).await?.remove(id).unwrap_or_default();
    let value = AssignmentView {
        assignment: saved.ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))?,
        rank: rank.or(before.list.rank(id)).unwrap_or_default(),
        meta: before.meta.get(id).cloned(),
        summary: plan.summary_of(id, summary, &members),
        phase: tx.organization().phase,
    };
    Ok(Changed { value, preview: Some(Preview::of(&plan)), revision, warnings })
}

async fn get_view(tx: &mut ReadTx, id: &AssignmentId) -> Result<AssignmentView> {
    let stored = store::get_list(tx).await?;
    let summary = store::count_members(tx, Some(vec![id])).await?.remove(id).unwrap_or_default();
    view(tx, &stored, id, summary)
}

fn view(tx: &ReadTx, stored: &StoredList, id: &AssignmentId, summary: Summary) -> Result<AssignmentView> {
    Ok(AssignmentView {
        assignment: stored.list.get(id)?.clone(),
        rank: stored.list.rank(id).unwrap_or_default(),
        meta: stored.meta.get(id).cloned(),
        summary,
        phase: tx.organization().phase,
    })
}
