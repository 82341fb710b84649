//! Applying a plan: set-based statements, history, audit event and revision, in the transaction of the change.

use std::collections::{HashMap, HashSet};

use rollcall_domain::{
    MemberChange, MemberId, Plan,
    directory::{DirectoryChanges, MemberUpsert},
};

use crate::{
    Result, WriteTx, address_holdings,
    assignments::{self, WrittenAssignment},
    audit::{self, AuditEvent, Impact},
    directory,
    members::write as members,
    migration, organizations,
    plan_cache::{PLAN_CACHE_ROWS, discard_cached_plans},
    seats,
};

/// Applies a plan of any kind and returns the new revision. The order of the statements keeps every foreign key, and the
/// ranks and addresses unique. If a statement fails, the transaction is rolled back and nothing is written.
pub async fn apply(tx: &mut WriteTx, plan: &Plan, event: AuditEvent) -> Result<i64> {
    let mut reranked = Vec::new();
    for settings in &plan.settings {
        let (conn, organization) = tx.parts();
        assignments::insert_settings(conn, organization, settings).await?;
    }
    if let Some(saved) = &plan.saved {
        // The rank of a new assignment is free only after the others have moved.
        reranked = assignments::update_ranks(tx, &plan.ranks).await?;
        let (uid, revision) = (saved.new_uid.unwrap_or_default(), tx.next_revision());
        let row = WrittenAssignment { assignment: &saved.assignment, uid, rank: saved.rank, revision, now: tx.now() };
        let (conn, organization) = tx.parts();
        assignments::save_assignment(conn, organization, &row).await?;
        if saved.chooses {
            migration::record_first_choice(tx, &saved.assignment.id).await?;
        }
    }

    let sync = &plan.directory;
    let entering: HashMap<&MemberId, &MemberChange> = plan.members.iter().map(|c| (&c.member, c)).collect();
    let (new, known): (Vec<&MemberUpsert>, Vec<&MemberUpsert>) = sync.members.iter().partition(|u| u.is_new);
    directory::upsert_groups(tx, &sync.groups).await?;
    directory::free_addresses(tx, &known).await?;
    directory::update_identities(tx, &known).await?;
    directory::insert_members(tx, &new, &entering).await?;
    address_holdings::insert(tx, &sync.holdings).await?;
    directory::delete_memberships(tx, &sync.removed).await?;
    if new.len() + sync.groups.len() > PLAN_CACHE_ROWS {
        discard_cached_plans(tx).await?;
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
    seats::apply(tx, plan).await?;
    if let Some(catalog) = &plan.catalog {
        organizations::update_catalog(tx, catalog).await?;
    }
    if let Some(after) = &plan.organization {
        organizations::update_organization(tx, after).await?;
    }
    let mut impact = Impact::of_plan(plan);
    impact.assignments.extend(reranked);
    audit::finish_write(tx, &impact, event).await
}

/// Known members whose groups change.
fn regrouped(sync: &DirectoryChanges) -> Vec<MemberId> {
    let new: HashSet<&MemberId> = sync.members.iter().filter(|m| m.is_new).map(|m| &m.id).collect();
    let members = sync.added.iter().chain(&sync.removed).map(|(member, _)| member);
    let known: HashSet<&MemberId> = members.filter(|member| !new.contains(member)).collect();
    known.into_iter().cloned().collect()
}
