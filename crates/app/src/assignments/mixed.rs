//! The mixed overview: each mixed assignment with the ways out (product.md 9).

use std::collections::BTreeSet;

use rollcall_domain::{Assignment, MemberId, OrganizationId, Phase, email_export::EmailExport};
use rollcall_store::{
    ReadTx,
    assignments::{self as store, MixedCounts},
};

use super::Unseen;
use crate::{App, Read, Result, check_revision};

/// How many members who would move are named.
const NAMED: u32 = 100;

/// A mixed assignment with the ways to resolve it (product.md 9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MixedOverview {
    /// Its values.
    pub assignment: Assignment,
    /// Its rank.
    pub rank: u32,
    /// What its members have.
    pub counts: MixedCounts,
    /// The first active members who do not have the value that changes fewer.
    pub members_to_move: BTreeSet<MemberId>,
}

impl App {
    /// Reads up to `limit` mixed assignments of those that are unseen, in evaluation order.
    ///
    /// # Errors
    /// An unknown organization.
    pub async fn list_mixed_assignments(
        &self,
        organization: &OrganizationId,
        unseen: &Unseen<'_>,
        limit: usize,
        at_least: Option<i64>,
    ) -> Result<Read<Vec<MixedOverview>>> {
        self.db
            .read(organization, "list_mixed_assignments", async |tx: &mut ReadTx| {
                check_revision(tx.organization().revision, at_least)?;
                let mut found = find_mixed(tx, unseen, limit).await?;
                let others = |mixed: &MixedOverview| match mixed.counts.summary.fewer_changes() {
                    EmailExport::Export => EmailExport::DoNotExport,
                    EmailExport::DoNotExport => EmailExport::Export,
                };
                let wanted: Vec<_> = found.iter().map(|mixed| (&mixed.assignment.id, others(mixed))).collect();
                let mut members = store::list_members_with(tx, &wanted, NAMED).await?;
                for mixed in &mut found {
                    mixed.members_to_move = members.remove(&mixed.assignment.id).unwrap_or_default();
                }
                Ok(Read::of(tx, found))
            })
            .await
    }
}

async fn find_mixed(tx: &mut ReadTx, unseen: &Unseen<'_>, limit: usize) -> Result<Vec<MixedOverview>> {
    if tx.organization().phase == Phase::Legacy {
        return Ok(Vec::new());
    }
    let mut counts = store::count_mixed(tx).await?;
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let stored = store::get_list(tx).await?;
    let mixed = stored.list.ranked().filter_map(|(rank, assignment)| {
        let counts = counts.remove(&assignment.id)?;
        let (assignment, members_to_move) = (assignment.clone(), BTreeSet::new());
        Some(MixedOverview { assignment, rank, counts, members_to_move })
    });
    Ok(mixed.filter(|mixed| unseen(&mixed.assignment.id)).take(limit).collect())
}
