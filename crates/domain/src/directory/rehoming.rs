//! The members who enter another assignment with a sync: new members, members whose groups change, and members who become
//! active again (product.md 3).

use std::collections::{BTreeSet, HashMap};

use super::{
    Directory, KnownMember, MemberUpsert, Membership,
    memberships::{MembershipChanges, by_member},
};
use crate::{Cause, GroupId, MemberId, MemberState, Plan, grant::GrantContext, resolution::resolve};

/// Resolves each of these members once.
pub(super) fn plan(
    upserts: &[MemberUpsert],
    changes: &MembershipChanges,
    directory: &Directory,
    grants: &GrantContext<'_>,
) -> Plan {
    let groups = GroupsAfter::new(changes, directory);
    let list = grants.list();
    let first_ranks = list.first_ranks();
    let upserted: HashMap<&MemberId, &MemberUpsert> = upserts.iter().map(|upsert| (&upsert.id, upsert)).collect();
    let resolved = upserts.iter().filter(|u| u.is_new || reactivates(u, directory)).map(|u| &u.id);
    let concerned: BTreeSet<&MemberId> = groups.changed().chain(resolved).collect();
    let mut plan = Plan::default();
    for id in concerned {
        let (known, upsert) = (directory.members.get(id), upserted.get(id));
        let Some(active) = upsert.map(|upsert| upsert.active).or(known.map(|known| known.active)) else {
            continue;
        };
        let ranks = groups.of(id).filter_map(|group| first_ranks.get(group).copied()).collect();
        let member = state(id, active, known, ranks);
        let (target, _) = resolve(list, &member);
        if !member.is_in(&target.id) {
            grants.enter(&mut plan, &member, target);
        } else if upsert.is_some_and(|u| reactivates(u, directory)) && target.update_mode.is_automatic() {
            let before = member.held.as_ref();
            plan.push(id.clone(), before, grants.bundle(target, before), Cause::BecameActive);
        }
    }
    plan
}

/// The groups of members after the sync.
struct GroupsAfter<'a> {
    directory: &'a Directory,
    added: HashMap<&'a MemberId, &'a [Membership]>,
    removed: HashMap<&'a MemberId, &'a [Membership]>,
}

impl<'a> GroupsAfter<'a> {
    fn new(changes: &'a MembershipChanges, directory: &'a Directory) -> Self {
        Self { directory, added: by_member(&changes.added), removed: by_member(&changes.removed) }
    }

    /// The members whose groups change.
    fn changed(&self) -> impl Iterator<Item = &'a MemberId> {
        self.added.keys().chain(self.removed.keys()).copied()
    }

    fn of(&self, id: &MemberId) -> impl Iterator<Item = &'a GroupId> {
        let stored = self.directory.memberships.get(id).into_iter().flatten();
        let removed = self.removed.get(id).copied().unwrap_or_default();
        let added = self.added.get(id).copied().unwrap_or_default().iter().map(|(_, group)| group);
        stored.filter(|group| removed.iter().all(|(_, gone)| gone != *group)).chain(added)
    }
}

fn state(id: &MemberId, active: bool, known: Option<&KnownMember>, matching_ranks: Vec<u32>) -> MemberState {
    MemberState {
        id: id.clone(),
        active,
        held: known.map(|known| known.held.clone()),
        pin: known.and_then(|known| known.pin.clone()),
        matching_ranks,
    }
}

fn reactivates(upsert: &MemberUpsert, directory: &Directory) -> bool {
    upsert.active && directory.members.get(&upsert.id).is_some_and(|known| !known.active)
}
