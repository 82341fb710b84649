//! How much a sync changes, and whether that is too much at once.

use std::collections::HashSet;

use super::{Directory, MassChangeLimit, SyncPlan};
use crate::{MemberId, Plan, Refusal};

/// What a sync changes. Rows that change nothing are in no count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SyncCounts {
    /// Members seen for the first time.
    pub members_created: u32,
    /// Members whose identity changed, activation aside.
    pub members_updated: u32,
    /// Members who became inactive.
    pub members_deactivated: u32,
    /// Members who became active again.
    pub members_reactivated: u32,
    /// Groups that are new, renamed, gone or back.
    pub groups_changed: u32,
    /// Memberships that are new.
    pub memberships_added: u32,
    /// Memberships that are gone.
    pub memberships_removed: u32,
    /// Members of before whose assignment changed.
    pub members_rehomed: u32,
}

/// Counts what a sync changes.
pub(super) fn count(sync: &SyncPlan, directory: &Directory) -> SyncCounts {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut counts = SyncCounts {
        groups_changed: size(sync.groups.len()),
        memberships_added: size(sync.added.len()),
        memberships_removed: size(sync.removed.len()),
        ..SyncCounts::default()
    };
    for upsert in &sync.members {
        let known = directory.members.get(&upsert.id);
        counts.members_created += u32::from(known.is_none());
        counts.members_updated += u32::from(known.is_some_and(|known| known.identity != upsert.identity));
        counts.members_deactivated += u32::from(known.is_some_and(|known| known.active && !upsert.active));
        counts.members_reactivated += u32::from(known.is_some_and(|known| !known.active && upsert.active));
    }
    counts.members_rehomed = size(rehomed(&sync.plan).count());
    counts
}

fn rehomed(plan: &Plan) -> impl Iterator<Item = &MemberId> {
    let old = plan.members.iter().filter(|change| change.before.is_some() && change.changes_assignment());
    old.map(|change| &change.member)
}

/// Refuses a sync that touches more members than the organization allows.
pub(super) fn refuse_mass_change(
    sync: &SyncPlan,
    directory: &Directory,
    limit: Option<MassChangeLimit>,
) -> Result<(), Refusal> {
    let Some(limit) = limit else { return Ok(()) };
    let deactivated = sync
        .members
        .iter()
        .filter(|upsert| !upsert.active && directory.members.get(&upsert.id).is_some_and(|known| known.active));
    let touched: HashSet<&MemberId> = deactivated.map(|upsert| &upsert.id).chain(rehomed(&sync.plan)).collect();
    if !limit.is_exceeded(u32::try_from(touched.len()).unwrap_or(u32::MAX), directory.active_members) {
        return Ok(());
    }
    Err(Refusal::MassChangeBlocked {
        deactivated: sync.counts.members_deactivated,
        rehomed: sync.counts.members_rehomed,
        limit: format!("{} members and {} percent", limit.members, limit.percent),
    })
}
