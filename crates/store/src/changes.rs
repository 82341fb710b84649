//! Applying a plan: set-based statements, history, audit event and revision, in one transaction.

use rollcall_domain::{AssignmentId, Plan};
use uuid::Uuid;

use crate::{
    Result, WriteTx, assignments,
    audit::{self, AuditEvent, Impact},
    members::write,
    migration, seats,
};

/// What a plan needs beside itself to be written.
#[derive(Clone, Debug, Default)]
pub struct Extra<'a> {
    /// The uid of an assignment that the plan creates.
    pub new_uid: Uuid,
    /// Why members are moved, for the pins.
    pub reason: &'a str,
}

/// Writes a plan and returns the new revision.
///
/// # Errors
/// A database that fails; then nothing is written.
pub async fn apply(tx: &mut WriteTx, plan: &Plan, extra: &Extra<'_>, event: AuditEvent) -> Result<i64> {
    let reranked = write_plan(tx, plan, extra, &event.actor).await?;
    let mut touched = Impact::of_plan(plan, std::iter::empty());
    touched.assignments.extend(reranked);
    audit::finish_write(tx, &touched, event).await
}

/// Writes a plan's rows; the order keeps every foreign key and the uniqueness of ranks. Returns the assignments of
/// before whose rank it changes.
async fn write_plan(tx: &mut WriteTx, plan: &Plan, extra: &Extra<'_>, actor: &str) -> Result<Vec<AssignmentId>> {
    let mut reranked = Vec::new();
    assignments::insert_settings(tx, &plan.settings).await?;
    if let Some(saved) = &plan.saved {
        // Its rank is free only once the others have made room.
        let rank = plan.ranks.iter().find(|(id, _)| *id == saved.id).map_or(0, |(_, rank)| *rank);
        reranked = assignments::update_ranks(tx, &plan.ranks).await?;
        assignments::save_assignment(tx, saved, extra.new_uid, rank).await?;
        if plan.chooses {
            migration::note_chosen(tx, &saved.id).await?;
        }
    }
    write::update_members(tx, &plan.members).await?;
    write::insert_changes(tx, &plan.members).await?;
    write::delete_pins(tx, &plan.unpinned).await?;
    if let Some((assignment, members)) = &plan.pinned {
        write::upsert_pins(tx, assignment, members, actor, extra.reason).await?;
    }
    if let Some(removed) = &plan.removed {
        assignments::delete_assignment(tx, removed).await?;
    }
    if plan.saved.is_none() {
        reranked = assignments::update_ranks(tx, &plan.ranks).await?;
    }
    seats::apply(tx, &plan.seats).await?;
    Ok(reranked)
}
