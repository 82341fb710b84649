//! What the audit keeps of a sync: one document, however many members it has. It is written as it is read off the plan.

use std::collections::BTreeMap;

use rollcall_domain::{
    Email, GroupId, MemberId,
    directory::{Directory, DirectoryChanges, Identity, Membership, SyncCounts, SyncMode},
};
use rollcall_store::audit::Document;
use serde::Serialize;

#[derive(Serialize)]
struct Member<'a> {
    member: &'a MemberId,
    identity: &'a Identity,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    new: Option<bool>,
}

#[derive(Serialize)]
struct Group<'a> {
    group: &'a GroupId,
    display_name: &'a str,
    present: bool,
}

/// An old setting that waited and has found its member.
#[derive(Serialize)]
struct Bound<'a> {
    member: &'a MemberId,
    email: &'a Email,
    export: bool,
}

#[derive(Serialize)]
struct Before<'a> {
    members: Vec<Member<'a>>,
    groups: Vec<Group<'a>>,
}

#[derive(Serialize)]
struct After<'a> {
    mode: SyncMode,
    counts: SyncCounts,
    members: Vec<Member<'a>>,
    groups: Vec<Group<'a>>,
    memberships_added: BTreeMap<&'a str, Vec<&'a str>>,
    memberships_removed: BTreeMap<&'a str, Vec<&'a str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    old_settings: Vec<Bound<'a>>,
}

/// What a sync changes, as it is now; nothing where it is all new.
pub(super) fn before(plan: &DirectoryChanges, directory: &Directory) -> Option<Document> {
    let members = plan.members.iter().filter_map(|upsert| {
        let known = directory.members.get(&upsert.id)?;
        Some(Member { member: &upsert.id, identity: &known.identity, active: known.active, new: None })
    });
    let groups = plan.groups.iter().filter_map(|upsert| {
        let known = directory.groups.get(&upsert.id)?;
        Some(Group { group: &upsert.id, display_name: &known.display_name, present: known.present })
    });
    let before = Before { members: members.collect(), groups: groups.collect() };
    Document::of(&before).filter(|_| !before.members.is_empty() || !before.groups.is_empty())
}

/// What it makes of them.
pub(super) fn after(mode: SyncMode, plan: &DirectoryChanges) -> Option<Document> {
    let members = plan.members.iter().map(|upsert| Member {
        member: &upsert.id,
        identity: &upsert.identity,
        active: upsert.active,
        new: Some(upsert.is_new),
    });
    let groups = plan.groups.iter().map(|upsert| Group {
        group: &upsert.id,
        display_name: &upsert.display_name,
        present: upsert.present,
    });
    let bound = plan.bindings.iter().map(|(member, email, export)| Bound { member, email, export: *export });
    Document::of(&After {
        mode,
        counts: plan.counts,
        members: members.collect(),
        groups: groups.collect(),
        memberships_added: by_group(&plan.added),
        memberships_removed: by_group(&plan.removed),
        old_settings: bound.collect(),
    })
}

fn by_group(memberships: &[Membership]) -> BTreeMap<&str, Vec<&str>> {
    let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (member, group) in memberships {
        groups.entry(group.as_str()).or_default().push(member.as_str());
    }
    groups
}
