//! Counts what a sync changes, and refuses a sync that changes too many members at once.

use std::collections::HashSet;

use super::{Directory, MassChangeLimit, SyncCounts};
use crate::{MemberId, Plan, Refusal};

/// Counts what a sync changes.
pub(super) fn count(plan: &Plan, directory: &Directory) -> SyncCounts {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let changes = &plan.directory;
    let mut counts = SyncCounts {
        groups_changed: size(changes.groups.len()),
        memberships_added: size(changes.added.len()),
        memberships_removed: size(changes.removed.len()),
        members_rehomed: size(rehomed(plan).count()),
        ..SyncCounts::default()
    };
    for upsert in &changes.members {
        let known = directory.members.get(&upsert.id);
        counts.members_created += u32::from(known.is_none());
        counts.members_updated += u32::from(known.is_some_and(|known| known.identity != *upsert.identity));
        counts.members_deactivated += u32::from(known.is_some_and(|known| known.active && !upsert.active));
        counts.members_reactivated += u32::from(known.is_some_and(|known| !known.active && upsert.active));
    }
    counts
}

/// Known members whose assignment changes.
fn rehomed(plan: &Plan) -> impl Iterator<Item = &MemberId> {
    let old = plan.members.iter().filter(|change| change.before.is_some() && change.changes_assignment());
    old.map(|change| &change.member)
}

/// Refuses a sync that deactivates or re-homes more members than the organization allows.
pub(super) fn refuse_mass_change(plan: &Plan, directory: &Directory, limit: MassChangeLimit) -> Result<(), Refusal> {
    let deactivated = plan
        .directory
        .members
        .iter()
        .filter(|upsert| !upsert.active && directory.members.get(&upsert.id).is_some_and(|known| known.active));
    let touched: HashSet<&MemberId> = deactivated.map(|upsert| &upsert.id).chain(rehomed(plan)).collect();
    let touched = u32::try_from(touched.len()).unwrap_or(u32::MAX);
    let Some(limit) = limit.find_exceeded(touched, directory.active_members) else { return Ok(()) };
    Err(Refusal::MassChangeBlocked {
        deactivated: plan.directory.counts.members_deactivated,
        rehomed: plan.directory.counts.members_rehomed,
        limit,
    })
}
