//! Planning a whole sync (product.md 6).

use std::{collections::HashSet, sync::Arc};

use super::{
    Directory, DirectoryChanges, GroupUpsert, MemberUpsert, ParsedRows, SyncMode, accepted::AcceptedRows, counts,
    memberships, rehoming,
};
use crate::{
    Current, Email, Facts, MemberId, Phase, Plan, Refusal, Scope,
    email_export::{AddressChange, AddressGains},
    grant::GrantContext,
};

/// A proposal to sync the directory.
#[derive(Clone, Debug)]
pub struct SyncDirectory<'a> {
    /// The rows of the sync.
    pub rows: &'a ParsedRows,
    /// Whether the sync may change more members than the organization's limit allows.
    pub allow_mass_change: bool,
}

impl SyncDirectory<'_> {
    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Directory(self.rows)
    }

    /// Plans the sync. Members are resolved once, at its end.
    ///
    /// # Errors
    /// `MASS_CHANGE_BLOCKED`.
    pub(crate) fn plan(&self, current: Current<'_>, facts: &Facts, grants: &GrantContext<'_>) -> Result<Plan, Refusal> {
        let (rows, directory) = (self.rows, &facts.directory);
        let mut rejected = rows.rejected.clone();
        let accepted = AcceptedRows::of(rows, directory, &current.organization.email_domains, &mut rejected);
        let changes = memberships::changes(rows, directory, &accepted, &mut rejected);
        rejected.sort_by(|a, b| (a.kind, &a.key, &a.reason).cmp(&(b.kind, &b.key, &b.reason)));
        let members = member_upserts(rows.mode, &accepted, directory);
        let mut plan = rehoming::plan(&members, &changes, directory, grants);
        plan.directory = DirectoryChanges {
            groups: group_upserts(rows, directory),
            bindings: bindings(&accepted, directory, current.organization.phase),
            holdings: holdings(&members, directory),
            members,
            added: changes.added,
            removed: changes.removed,
            rejected,
            ..DirectoryChanges::default()
        };
        plan.directory.counts = counts::count(&plan, directory);
        if !self.allow_mass_change {
            counts::refuse_mass_change(&plan, directory, current.organization.mass_change_limit)?;
        }
        Ok(plan)
    }
}

fn member_upserts(mode: SyncMode, accepted: &AcceptedRows<'_>, directory: &Directory) -> Vec<MemberUpsert> {
    let mut upserts = Vec::new();
    for (id, identity, active) in accepted.people.iter().copied() {
        let known = directory.members.get(id);
        if known.is_none_or(|known| known.identity != **identity || known.active != *active) {
            let identity = Arc::clone(identity);
            upserts.push(MemberUpsert { id: id.clone(), identity, active: *active, is_new: known.is_none() });
        }
    }
    if mode == SyncMode::Full {
        let absent = directory.members.iter().filter(|(id, known)| known.active && !accepted.has_member(id));
        upserts.extend(absent.map(|(id, known)| MemberUpsert {
            id: id.clone(),
            identity: Arc::new(known.identity.clone()),
            active: false,
            is_new: false,
        }));
    }
    upserts.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    upserts
}

/// The addresses that members begin to hold. `directory` has each active member who has an address of the sync.
fn holdings(members: &[MemberUpsert], directory: &Directory) -> Vec<(Email, MemberId)> {
    let gains = AddressGains::of(members.iter().map(|upsert| AddressChange {
        member: &upsert.id,
        email: &upsert.identity.email,
        active: upsert.active,
        before: directory.members.get(&upsert.id).map(|known| (&known.identity.email, known.active)),
    }));
    let disputed: HashSet<&Email> = gains.of_inactive().collect();
    let mut in_use: HashSet<&Email> = HashSet::new();
    if !disputed.is_empty() {
        let written: HashSet<&MemberId> = members.iter().map(|upsert| &upsert.id).collect();
        let others = directory.members.iter().filter(|(id, known)| known.active && !written.contains(id));
        let others = others.map(|(_, known)| &known.identity.email);
        let upserts = members.iter().filter(|upsert| upsert.active).map(|upsert| &upsert.identity.email);
        in_use = others.chain(upserts).filter(|email| disputed.contains(email)).collect();
    }
    let begun = gains.begin(|email| in_use.contains(email));
    begun.into_iter().map(|(email, member)| (email.clone(), member.clone())).collect()
}

fn group_upserts(rows: &ParsedRows, directory: &Directory) -> Vec<GroupUpsert> {
    let mut upserts = Vec::new();
    for (id, display_name) in &rows.groups {
        let known = directory.groups.get(id);
        if known.is_none_or(|known| !known.present || known.display_name != *display_name) {
            upserts.push(GroupUpsert { id: id.clone(), display_name: display_name.clone(), present: true });
        }
    }
    if rows.mode == SyncMode::Full {
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

/// Binds the old settings that wait for an address to the first member who is synced with it, even if the member's row
/// changes nothing else. If one sync names two members with the address, the active one gets the setting. A member who is
/// absent from the sync gets none, and a member who has an old setting already keeps it.
fn bindings(accepted: &AcceptedRows<'_>, directory: &Directory, phase: Phase) -> Vec<(MemberId, Email, bool)> {
    let mut bound: HashSet<&Email> = HashSet::new();
    let mut found = Vec::new();
    if phase == Phase::Migrated || directory.unmatched.is_empty() {
        return found;
    }
    let mut people = accepted.people.clone();
    people.sort_unstable_by(|(a, _, a_active), (b, _, b_active)| (!a_active, a).cmp(&(!b_active, b)));
    for (id, identity, _) in people {
        let email = &identity.email;
        let Some(export) = directory.unmatched.get(email) else { continue };
        let has_one = directory.members.get(id).is_some_and(|known| known.has_legacy);
        if !has_one && bound.insert(email) {
            found.push((id.clone(), email.clone(), *export));
        }
    }
    found
}
