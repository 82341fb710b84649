//! Applying a plan: set-based statements, history, audit event and revision, in the transaction of the change.

use std::collections::{BTreeSet, HashMap, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, MemberChange, MemberId, Plan,
    directory::{DirectoryChanges, MemberUpsert},
    plan::Counts,
};

use crate::{
    Result, WriteTx, assignments,
    audit::AuditEvent,
    directory,
    members::write::{self as members, FEW, forget_plans},
    migration, organizations as organization_rows,
    schema::organizations,
    seats,
};

/// Applies a plan of any kind and returns the new revision. The order of the statements keeps every foreign key, and the
/// ranks and addresses unique. If a statement fails, the transaction is rolled back and nothing is written.
pub async fn apply(tx: &mut WriteTx, plan: &Plan, event: AuditEvent) -> Result<i64> {
    let mut reranked = Vec::new();
    assignments::insert_settings(tx, &plan.settings).await?;
    if let Some(saved) = &plan.saved {
        // The rank of a new assignment is free only after the others have moved.
        reranked = assignments::update_ranks(tx, &plan.ranks).await?;
        assignments::save_assignment(tx, saved).await?;
        if saved.chooses {
            migration::record_first_choice(tx, &saved.assignment.id).await?;
        }
    }

    let sync = &plan.directory;
    let entering: HashMap<&MemberId, &MemberChange> = plan.members.iter().map(|c| (&c.member, c)).collect();
    let (new, known): (Vec<&MemberUpsert>, Vec<&MemberUpsert>) = sync.members.iter().partition(|u| u.is_new);
    directory::upsert_groups(tx, &sync.groups).await?;
    directory::park_addresses(tx, &known).await?;
    directory::update_identities(tx, &known).await?;
    directory::insert_members(tx, &new, &entering).await?;
    directory::delete_memberships(tx, &sync.removed).await?;
    if new.len() + sync.groups.len() > FEW {
        forget_plans(tx).await?;
    }
    directory::insert_memberships(tx, &sync.added).await?;
    migration::bind_unmatched(tx, &sync.bindings).await?;

    let changed: Vec<&MemberChange> = plan.members.iter().filter(|change| change.before.is_some()).collect();
    members::update_members(tx, &changed).await?;
    members::insert_changes(tx, &plan.members).await?;
    members::touch(tx, &regrouped(sync)).await?;
    members::delete_pins(tx, &plan.unpinned).await?;
    if let Some(pins) = &plan.pinned {
        members::upsert_pins(tx, pins, &event.actor).await?;
    }

    if let Some(removed) = &plan.removed {
        assignments::delete_assignment(tx, removed).await?;
    }
    if plan.saved.is_none() {
        reranked = assignments::update_ranks(tx, &plan.ranks).await?;
    }
    seats::apply(tx, &plan.seats).await?;
    if let Some(catalog) = &plan.catalog {
        organization_rows::update_catalog(tx, catalog).await?;
    }
    if let Some(after) = &plan.organization {
        organization_rows::update_organization(tx, after).await?;
    }
    let mut touched = Touched::by(plan);
    touched.assignments.extend(reranked);
    finish(tx, &touched, event).await
}

/// Known members whose groups change.
fn regrouped(sync: &DirectoryChanges) -> Vec<MemberId> {
    let new: HashSet<&MemberId> = sync.members.iter().filter(|m| m.is_new).map(|m| &m.id).collect();
    let members = sync.added.iter().chain(&sync.removed).map(|(member, _)| member);
    let known: HashSet<&MemberId> = members.filter(|member| !new.contains(member)).collect();
    known.into_iter().cloned().collect()
}

/// What a write touched, for its audit event.
#[derive(Clone, Debug, Default)]
pub(crate) struct Touched {
    /// How many members.
    pub(crate) members: u32,
    /// Members touched without a row in `member_changes`: their identity, groups, pin or pending seat changed.
    pub(crate) without_change: Vec<MemberId>,
    /// Assignments whose rank changed, whom members entered or left, or that are gone.
    pub(crate) assignments: BTreeSet<AssignmentId>,
    /// What happens to members.
    pub(crate) counts: Counts,
}

impl Touched {
    /// Lists what a plan touches.
    fn by(plan: &Plan) -> Self {
        let changed: HashSet<&MemberId> = plan.members.iter().map(|change| &change.member).collect();
        let sync = &plan.directory;
        let identities = sync.members.iter().map(|upsert| &upsert.id);
        let regrouped = sync.added.iter().chain(&sync.removed).map(|(member, _)| member);
        let bound = sync.bindings.iter().map(|(member, ..)| member);
        let pinned = plan.pinned.iter().flat_map(|pins| &pins.members);
        let others =
            identities.chain(regrouped).chain(bound).chain(&plan.unpinned).chain(pinned).chain(plan.seats.granted());
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
