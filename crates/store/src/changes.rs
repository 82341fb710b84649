//! Applying a plan: set-based statements, history, audit event and revision, in one transaction.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, MemberId, Plan, plan::Counts};
use uuid::Uuid;

use crate::{Result, WriteTx, assignments, audit::AuditEvent, members::write, migration, schema::organizations, seats};

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
    let mut touched = Touched::by(plan, std::iter::empty());
    touched.assignments.extend(reranked);
    finish(tx, &touched, event).await
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
            migration::record_first_choice(tx, &saved.id).await?;
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

/// What a write touched, for its audit event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// How many members.
    pub(crate) members: u32,
    /// Those of them of whom no change is kept: identity, groups, pin, or a seat that was waited for.
    pub(crate) without_change: Vec<MemberId>,
    /// Assignments whose rank changed, whom members entered or left, or that are gone.
    pub(crate) assignments: BTreeSet<AssignmentId>,
    /// What happens to members.
    pub(crate) counts: Counts,
}

impl Touched {
    /// What a plan touches, with other members who are touched in the same write.
    pub(crate) fn by<'a>(plan: &'a Plan, others: impl Iterator<Item = &'a MemberId>) -> Self {
        let changed: HashSet<&MemberId> = plan.members.iter().map(|change| &change.member).collect();
        let pinned = plan.pinned.iter().flat_map(|(_, members)| members);
        let others = others.chain(&plan.unpinned).chain(pinned).chain(plan.seats.granted());
        let others: BTreeSet<&MemberId> = others.filter(|member| !changed.contains(member)).collect();
        let moved = plan.members.iter().filter(|change| change.changes_assignment());
        let assignments: BTreeSet<&AssignmentId> = moved
            .flat_map(|change| change.before.iter().chain([&change.after]))
            .map(|held| &held.assignment)
            .chain(&plan.removed)
            .collect();
        Self {
            members: u32::try_from(changed.len() + others.len()).unwrap_or(u32::MAX),
            without_change: others.into_iter().cloned().collect(),
            assignments: assignments.into_iter().cloned().collect(),
            counts: plan.counts(),
        }
    }
}

/// Ends a write: the audit event, and the organization's new revision.
pub(crate) async fn finish(tx: &mut WriteTx, touched: &Touched, event: AuditEvent) -> Result<i64> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let id = tx.id().clone();
    let (conn, organization) = tx.parts();
    crate::audit::insert_event(conn, &id, (revision, now), touched, &event).await?;
    diesel::update(organizations::table.find(organization))
        .set((organizations::revision.eq(revision), organizations::last_write_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(revision)
}
