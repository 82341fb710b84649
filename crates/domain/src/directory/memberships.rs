//! Which memberships a sync adds and removes.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{CheckedRows, Directory, Mode, rows::key};
use crate::{GroupId, MemberId};

/// What changes, as (member, group).
#[derive(Debug, Default)]
pub(super) struct MembershipChanges {
    pub(super) added: BTreeSet<(MemberId, GroupId)>,
    pub(super) removed: BTreeSet<(MemberId, GroupId)>,
}

impl MembershipChanges {
    /// The members whose groups change.
    pub(super) fn members(&self) -> HashSet<&MemberId> {
        self.added.iter().chain(&self.removed).map(|(member, _)| member).collect()
    }

    /// For each member whose groups change, the groups afterwards.
    pub(super) fn groups_after<'a>(&'a self, directory: &'a Directory) -> HashMap<&'a MemberId, BTreeSet<&'a GroupId>> {
        let mut after: HashMap<&MemberId, BTreeSet<&GroupId>> = self
            .members()
            .into_iter()
            .map(|member| (member, directory.memberships.get(member).into_iter().flatten().collect()))
            .collect();
        for (member, group) in &self.removed {
            after.entry(member).or_default().remove(group);
        }
        for (member, group) in &self.added {
            after.entry(member).or_default().insert(group);
        }
        after
    }
}

/// Compares the rows with what is stored. `present` are the members that the sync names.
pub(super) fn changes(
    mode: Mode,
    rows: &mut CheckedRows,
    directory: &Directory,
    present: &HashSet<MemberId>,
) -> MembershipChanges {
    reject_unknown(mode, rows, directory, present);
    let stored = |(member, group): &(MemberId, GroupId)| {
        directory.memberships.get(member).is_some_and(|groups| groups.contains(group))
    };
    let added = rows.memberships.iter().filter(|pair| !stored(pair)).cloned().collect();
    let removed = match mode {
        Mode::Delta => rows.removed.iter().filter(|pair| stored(pair)).cloned().collect(),
        Mode::Full => gone(rows, directory, present),
    };
    MembershipChanges { added, removed }
}

/// In a FULL sync: memberships of absent groups, and those of present members that no row gives.
/// Absent members keep theirs in the groups that are still there.
fn gone(rows: &CheckedRows, directory: &Directory, present: &HashSet<MemberId>) -> BTreeSet<(MemberId, GroupId)> {
    let mut gone = BTreeSet::new();
    for (member, groups) in &directory.memberships {
        for group in groups {
            let pair = (member.clone(), group.clone());
            // A rejected row names its group all the same: the group counts as present.
            let named = rows.groups.contains_key(group) || rows.rejected_groups.contains(group);
            if !named || (present.contains(member) && !rows.memberships.contains(&pair)) {
                gone.insert(pair);
            }
        }
    }
    gone
}

/// Memberships name groups and members that are there after the sync.
fn reject_unknown(mode: Mode, rows: &mut CheckedRows, directory: &Directory, present: &HashSet<MemberId>) {
    let reason = |(member, group): &(MemberId, GroupId)| -> Option<&'static str> {
        let stays = directory.groups.get(group).is_some_and(|known| known.present)
            && (mode == Mode::Delta || rows.rejected_groups.contains(group));
        let group_there = rows.groups.contains_key(group) || stays;
        let member_there = present.contains(member);
        match (group_there, member_there, mode) {
            (true, true, _) => None,
            (false, _, Mode::Full) => Some("the sync has no row that can be taken for this group"),
            (_, false, Mode::Full) => Some("the sync has no row that can be taken for this member"),
            (false, ..) => Some("there is no such group; send a row for it first"),
            (_, false, _) => Some("there is no such member; send a row for them first"),
        }
    };
    let mut unknown = Vec::new();
    for pair in rows.memberships.iter().chain(&rows.removed) {
        if let Some(reason) = reason(pair) {
            unknown.push((pair.clone(), reason));
        }
    }
    for (pair, reason) in unknown {
        rows.memberships.remove(&pair);
        rows.removed.remove(&pair);
        rows.reject("membership", key(pair.1.as_str(), pair.0.as_str()), reason);
    }
}
