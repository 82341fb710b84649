//! A whole sync: what it writes, whom it re-homes, and whether it is too much at once.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    CheckedRows, Directory, Identity, KnownMember, MassChangeLimit, Mode, Rejection, SyncCounts, counts,
    emails::{self, Wanted},
    memberships::{self, MembershipChanges},
};
use crate::{
    AssignmentId, AssignmentList, Cause, Email, GroupId, MemberId, MemberState, Phase, Plan, Refusal, Timestamp,
    email_export::Summary, plan::Giving, resolution::resolve,
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
    /// Memberships to be added, as (member, group).
    pub added: BTreeSet<(MemberId, GroupId)>,
    /// Memberships to be removed, as (member, group).
    pub removed: BTreeSet<(MemberId, GroupId)>,
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
        self.members.is_empty() && self.groups.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }
}

/// Plans a sync. Members are resolved once, at its end.
///
/// # Errors
/// `MASS_CHANGE_BLOCKED`.
pub fn plan_sync(
    mode: Mode,
    mut rows: CheckedRows,
    directory: &Directory,
    context: &Context<'_>,
) -> Result<SyncPlan, Refusal> {
    reject_taken_addresses(mode, &mut rows, directory);
    let present = present_members(mode, &rows, directory);
    let changes = memberships::changes(mode, &mut rows, directory, &present);
    let members = member_upserts(mode, &rows, directory, &present);
    let mut sync = SyncPlan {
        groups: group_upserts(mode, &rows, directory),
        plan: rehome(&members, &changes, directory, context),
        bindings: bindings(&members, directory, context.phase),
        members,
        added: changes.added,
        removed: changes.removed,
        rejected: std::mem::take(&mut rows.rejected),
        counts: SyncCounts::default(),
    };
    sync.counts = counts::count(&sync, directory);
    counts::refuse_mass_change(&sync, directory, context.limit)?;
    Ok(sync)
}

fn reject_taken_addresses(mode: Mode, rows: &mut CheckedRows, directory: &Directory) {
    let mut wanted: Wanted<'_> = rows.members.iter().map(|(id, identity, active)| (id, (identity, *active))).collect();
    if mode == Mode::Full {
        for (id, known) in &directory.members {
            if !rows.rejected_members.contains(id) {
                wanted.entry(id).or_insert((&known.identity, false));
            }
        }
    }
    let order: Vec<&MemberId> = rows.members.iter().map(|(id, ..)| id).collect();
    let losers = emails::conflicting(directory, &order, &wanted);
    let (kept, lost) = std::mem::take(&mut rows.members).into_iter().partition(|(id, ..)| !losers.contains_key(id));
    rows.members = kept;
    let lost: Vec<(MemberId, Identity, bool)> = lost;
    for (id, identity, _) in lost {
        let reason = format!("the address {} belongs to the active member {}", identity.email, losers[&id]);
        rows.reject("member", id.to_string(), reason);
        rows.rejected_members.insert(id);
    }
}

/// Members whom a membership may name: in a FULL sync those it has a row for, else all known.
fn present_members(mode: Mode, rows: &CheckedRows, directory: &Directory) -> HashSet<MemberId> {
    let rejected = rows.rejected_members.iter().filter(|id| directory.members.contains_key(*id));
    let named = rows.members.iter().map(|(id, ..)| id).chain(rejected);
    match mode {
        Mode::Full => named.cloned().collect(),
        Mode::Delta => named.chain(directory.members.keys()).cloned().collect(),
    }
}

fn member_upserts(
    mode: Mode,
    rows: &CheckedRows,
    directory: &Directory,
    present: &HashSet<MemberId>,
) -> Vec<MemberUpsert> {
    let mut upserts = Vec::new();
    for (id, identity, active) in &rows.members {
        let known = directory.members.get(id);
        if known.is_none_or(|known| known.identity != *identity || known.active != *active) {
            let identity = identity.clone();
            upserts.push(MemberUpsert { id: id.clone(), identity, active: *active, is_new: known.is_none() });
        }
    }
    if mode == Mode::Full {
        let absent = directory.members.iter().filter(|(id, known)| known.active && !present.contains(*id));
        upserts.extend(absent.map(|(id, known)| MemberUpsert {
            id: id.clone(),
            identity: known.identity.clone(),
            active: false,
            is_new: false,
        }));
    }
    upserts.sort_by(|a, b| a.id.cmp(&b.id));
    upserts
}

fn group_upserts(mode: Mode, rows: &CheckedRows, directory: &Directory) -> Vec<GroupUpsert> {
    let mut upserts = Vec::new();
    for (id, display_name) in &rows.groups {
        let known = directory.groups.get(id);
        if known.is_none_or(|known| !known.present || known.display_name != *display_name) {
            upserts.push(GroupUpsert { id: id.clone(), display_name: display_name.clone(), present: true });
        }
    }
    if mode == Mode::Full {
        for (id, known) in directory.groups.iter().filter(|(_, known)| known.present) {
            if !rows.groups.contains_key(id) && !rows.rejected_groups.contains(id) {
                let display_name = known.display_name.clone();
                upserts.push(GroupUpsert { id: id.clone(), display_name, present: false });
            }
        }
    }
    upserts.sort_by(|a, b| a.id.cmp(&b.id));
    upserts
}

/// Resolves whoever is new, whose groups changed, or who became active again (product.md 3).
fn rehome(upserts: &[MemberUpsert], changes: &MembershipChanges, directory: &Directory, context: &Context<'_>) -> Plan {
    let first_ranks = context.list.first_ranks();
    let groups_after = changes.groups_after(directory);
    let giving = Giving::new(context.phase, context.now, context.list, context.summaries);
    let upserted: HashMap<&MemberId, &MemberUpsert> = upserts.iter().map(|upsert| (&upsert.id, upsert)).collect();

    let mut concerned: BTreeSet<&MemberId> = groups_after.keys().copied().collect();
    concerned.extend(upserts.iter().filter(|u| u.is_new || reactivates(u, directory)).map(|u| &u.id));
    let mut plan = Plan::default();
    for id in concerned {
        let known = directory.members.get(id);
        let upsert = upserted.get(id);
        let Some(active) = upsert.map(|upsert| upsert.active).or(known.map(|known| known.active)) else {
            continue;
        };
        let groups = groups_after.get(id);
        let stored = directory.memberships.get(id).into_iter().flatten();
        let ranks: Vec<u32> = match groups {
            Some(groups) => groups.iter().filter_map(|group| first_ranks.get(group).copied()).collect(),
            None => stored.filter_map(|group| first_ranks.get(group).copied()).collect(),
        };
        let member = state(id, active, known, ranks);
        let (target, _) = resolve(context.list, &member);
        let before = member.held.as_ref();
        if !member.is_in(&target.id) {
            plan.push(id.clone(), before, giving.bundle(target, before), Cause::EnteredAssignment);
        } else if upsert.is_some_and(|u| reactivates(u, directory)) && target.update_mode.is_automatic() {
            plan.push(id.clone(), before, giving.bundle(target, before), Cause::BecameActive);
        }
    }
    plan
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

/// Old settings that wait for an address bind to the first member synced with it; of two in one
/// sync to the active one. A member who has an old setting already keeps it.
fn bindings(upserts: &[MemberUpsert], directory: &Directory, phase: Phase) -> Vec<(MemberId, Email, bool)> {
    let mut bound: HashSet<&Email> = HashSet::new();
    let mut found = Vec::new();
    if phase == Phase::Migrated || directory.waiting.is_empty() {
        return found;
    }
    for active in [true, false] {
        for upsert in upserts.iter().filter(|upsert| upsert.active == active) {
            let email = &upsert.identity.email;
            let Some(export) = directory.waiting.get(email) else { continue };
            let has_one = directory.members.get(&upsert.id).is_some_and(|known| known.has_legacy);
            if !has_one && bound.insert(email) {
                found.push((upsert.id.clone(), email.clone(), *export));
            }
        }
    }
    found
}
