//! Applying a plan: set-based statements, history, audit event and revision, in one transaction.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::Plan;
use uuid::Uuid;

use crate::{Result, WriteTx, assignments, audit::AuditEvent, members::write, schema::organizations};

/// What a plan needs beside itself to be written.
#[derive(Clone, Debug)]
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
    write_plan(tx, plan, extra, &event.actor).await?;
    finish(tx, touched(plan), event).await
}

/// Writes a plan's rows; the order keeps every foreign key and the uniqueness of ranks.
pub(crate) async fn write_plan(tx: &mut WriteTx, plan: &Plan, extra: &Extra<'_>, actor: &str) -> Result<()> {
    assignments::insert_settings(tx, &plan.settings).await?;
    if let Some(saved) = &plan.saved {
        // Its rank is free only once the others have made room.
        let rank = plan.ranks.iter().find(|(id, _)| *id == saved.id).map_or(0, |(_, rank)| *rank);
        assignments::update_ranks(tx, &plan.ranks).await?;
        assignments::save_assignment(tx, saved, extra.new_uid, rank).await?;
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
        assignments::update_ranks(tx, &plan.ranks).await?;
    }
    Ok(())
}

/// Members whom a plan touches, pins included.
fn touched(plan: &Plan) -> u32 {
    let pinned = plan.pinned.iter().flat_map(|(_, members)| members);
    let all = plan.members.iter().map(|change| &change.member).chain(&plan.unpinned).chain(pinned);
    u32::try_from(all.collect::<std::collections::HashSet<_>>().len()).unwrap_or(u32::MAX)
}

/// Ends a write: the audit event, and the organization's new revision.
pub(crate) async fn finish(tx: &mut WriteTx, members_changed: u32, event: AuditEvent) -> Result<i64> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let id = tx.id().clone();
    let (conn, organization) = tx.parts();
    crate::audit::insert_event(conn, &id, revision, now, members_changed, &event).await?;
    diesel::update(organizations::table.find(organization))
        .set((organizations::revision.eq(revision), organizations::last_write_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(revision)
}
