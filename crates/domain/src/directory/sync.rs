//! A whole sync: what it writes, and whether it is too much at once.

use std::collections::{HashMap, HashSet};

use super::{
    CheckedRows, Directory, Identity, MassChangeLimit, Membership, Mode, Rejection, SyncCounts, counts, homes::rehome,
    memberships, taken::Taken,
};
use crate::{
    AssignmentId, AssignmentList, Email, GroupId, MemberId, Phase, Plan, Refusal, Timestamp, email_export::Summary,
};

/// What a sync is planned under.
#[derive(Debug)]
pub struct Context<'a> {
    /// Who decides about email export.
    pub phase: Phase,
    /// The list of assignments; a sync does not change it.
    pub list: &'a AssignmentList,
    /// What the members of each assignment without a chosen value have before the sync.
    pub summaries: &'a HashMap<AssignmentId, Summary>,
    /// The domains that addresses are to be of; empty for any.
    pub email_domains: &'a [String],
    /// The organization's limit; `None` when the request allows more.
    pub limit: Option<MassChangeLimit>,
    /// The moment of the sync.
    pub now: Timestamp,
}

/// A member whose identity or activation is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberUpsert {
    /// The member.
    pub id: MemberId,
    /// Who they are.
    pub identity: Identity,
    /// Whether they are active.
    pub active: bool,
    /// Whether the member is seen for the first time.
    pub is_new: bool,
}

/// A group that is new, renamed, gone or back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupUpsert {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub display_name: String,
    /// Whether it is there.
    pub present: bool,
}

/// What a sync writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncPlan {
    /// Members to be inserted or updated.
    pub members: Vec<MemberUpsert>,
    /// Groups to be inserted or updated.
    pub groups: Vec<GroupUpsert>,
    /// Memberships to be added, sorted.
    pub added: Vec<Membership>,
    /// Memberships to be removed, sorted.
    pub removed: Vec<Membership>,
    /// Old settings that found their member (product.md 7.3).
    pub bindings: Vec<(MemberId, Email, bool)>,
    /// What happens to members.
    pub plan: Plan,
    /// How much that is.
    pub counts: SyncCounts,
    /// Rows that were not taken.
    pub rejected: Vec<Rejection>,
}

impl SyncPlan {
    /// Whether nothing would be written: then there is no revision either (product.md 6).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let people = self.members.is_empty() && self.bindings.is_empty();
        people && self.groups.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }
}

/// Plans a sync. Members are resolved once, at its end.
///
/// # Errors
/// `MASS_CHANGE_BLOCKED`.
pub fn plan_sync(rows: &CheckedRows, directory: &Directory, context: &Context<'_>) -> Result<SyncPlan, Refusal> {
    let mut rejected = rows.rejected.clone();
    let taken = Taken::of(rows, directory, context.email_domains, &mut rejected);
    let changes = memberships::changes(rows, directory, &taken, &mut rejected);
    rejected.sort_by(|a, b| (a.kind, &a.key, &a.reason).cmp(&(b.kind, &b.key, &b.reason)));
    let members = member_upserts(rows.mode, &taken, directory);
    let mut sync = SyncPlan {
        groups: group_upserts(rows, directory),
        plan: rehome(&members, &changes, directory, context),
        bindings: bindings(&taken, directory, context.phase),
        members,
        added: changes.added,
        removed: changes.removed,
        rejected,
        counts: SyncCounts::default(),
    };
    sync.counts = counts::count(&sync, directory);
    counts::refuse_mass_change(&sync, directory, context.limit)?;
    Ok(sync)
}

fn member_upserts(mode: Mode, taken: &Taken<'_>, directory: &Directory) -> Vec<MemberUpsert> {
    let mut upserts = Vec::new();
    for (id, identity, active) in taken.people.iter().copied() {
        let known = directory.members.get(id);
        if known.is_none_or(|known| known.identity != *identity || known.active != *active) {
            let identity = identity.clone();
            upserts.push(MemberUpsert { id: id.clone(), identity, active: *active, is_new: known.is_none() });
        }
    }
    if mode == Mode::Full {
        let absent = directory.members.iter().filter(|(id, known)| known.active && !taken.has_member(id));
        upserts.extend(absent.map(|(id, known)| MemberUpsert {
            id: id.clone(),
            identity: known.identity.clone(),
            active: false,
            is_new: false,
        }));
    }
    upserts.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    upserts
}

fn group_upserts(rows: &CheckedRows, directory: &Directory) -> Vec<GroupUpsert> {
    let mut upserts = Vec::new();
    for (id, display_name) in &rows.groups {
        let known = directory.groups.get(id);
        if known.is_none_or(|known| !known.present || known.display_name != *display_name) {
            upserts.push(GroupUpsert { id: id.clone(), display_name: display_name.clone(), present: true });
        }
    }
    if rows.mode == Mode::Full {
        for (id, known) in directory.groups.iter().filter(|(_, known)| known.present) {
            if !rows.groups.contains_key(id) && !rows.rejected_groups.contains(id) {
                let display_name = known.display_name.clone();
                upserts.push(GroupUpsert { id: id.clone(), display_name, present: false });
            }
        }
    }
    upserts.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    upserts
}

/// Old settings that wait for an address bind to the first member synced with it, whose row may change nothing else; of
/// two in one sync to the active one. Who is absent is not synced. A member who has an old setting already keeps it.
fn bindings(taken: &Taken<'_>, directory: &Directory, phase: Phase) -> Vec<(MemberId, Email, bool)> {
    let mut bound: HashSet<&Email> = HashSet::new();
    let mut found = Vec::new();
    if phase == Phase::Migrated || directory.waiting.is_empty() {
        return found;
    }
    let mut people = taken.people.clone();
    people.sort_unstable_by(|(a, _, a_active), (b, _, b_active)| (!a_active, a).cmp(&(!b_active, b)));
    for (id, Identity { email, .. }, _) in people {
        let Some(export) = directory.waiting.get(email) else { continue };
        let has_one = directory.members.get(id).is_some_and(|known| known.has_legacy);
        if !has_one && bound.insert(email) {
            found.push((id.clone(), email.clone(), *export));
        }
    }
    found
}
