//! The changes of a directory sync. `sync_rows` decides which rows are accepted (product.md 6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Model, ModelMember, empty_settings};

/// The changes of a sync.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DirectoryChanges {
    /// New members, and members whose identity or activation changes.
    pub(crate) members: Vec<ModelMemberRow>,
    /// All members in the sync. An unmatched legacy setting may bind to one of their addresses.
    pub(crate) named_members: Vec<ModelMemberRow>,
    /// The ids of changed groups, and whether each group is present.
    pub(crate) groups: Vec<(String, bool)>,
    /// New memberships, as (member, group).
    pub(crate) added: Vec<(String, String)>,
    /// Removed memberships, as (member, group).
    pub(crate) removed: Vec<(String, String)>,
}

/// The row of a member in a sync.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelMemberRow {
    /// The id of the member.
    pub(crate) member: String,
    /// The email, names, title and manager.
    pub(crate) identity: Value,
    /// Whether the member is active.
    pub(crate) active: bool,
}

impl Model {
    /// Applies a sync. Members are resolved once, at the end.
    pub(crate) fn apply_sync(&mut self, changes: &DirectoryChanges, at: i64) {
        let before = self.clone();
        self.groups.extend(changes.groups.iter().cloned());
        for row in &changes.members {
            let member = self.members.entry(row.member.clone()).or_insert_with(new_member);
            member.identity = row.identity.clone();
            member.active = row.active;
        }
        for (id, group) in &changes.removed {
            if let Some(member) = self.members.get_mut(id) {
                member.groups.remove(group);
            }
        }
        for (id, group) in &changes.added {
            if let Some(member) = self.members.get_mut(id) {
                member.groups.insert(group.clone());
            }
        }
        self.begin_holdings(&before, at);
        self.bind_unmatched_settings(changes);
        self.resolve_members(&BTreeSet::new(), &before, at);
        self.reapply_bundles(&before, at);
    }

    /// Lets members hold the addresses that they have got, or with which they have become active (4.10).
    fn begin_holdings(&mut self, before: &Model, at: i64) {
        let address = |member: &ModelMember| member.identity["email"].as_str().unwrap_or_default().to_owned();
        // Two syncs can have the same time, so the time of the last holding does not say whether this sync has begun it.
        let mut begun = BTreeSet::new();
        for wanted in [true, false] {
            for (id, member) in self.members.iter().filter(|(_, member)| member.active == wanted) {
                let (email, was) = (address(member), before.members.get(id));
                let has_it_newly = was.is_none_or(|was| address(was) != email || (wanted && !was.active));
                let others = self.members.iter().filter(|(other, _)| *other != id);
                let is_free = wanted || !others.into_iter().any(|(_, other)| other.active && address(other) == email);
                if has_it_newly && is_free && begun.insert(email.clone()) {
                    self.holdings.entry(email).or_default().push((at, id.clone()));
                }
            }
        }
    }

    /// Returns the holder of an address at a time in microseconds, or the present holder.
    pub(crate) fn holder(&self, email: &str, time: Option<i64>) -> Option<&str> {
        let history = self.holdings.get(email)?;
        let begun = history.iter().rev().find(|(begins, _)| time.is_none_or(|time| *begins <= time));
        Some(begun.or(history.first())?.1.as_str())
    }

    /// Applies the bundle to members who became active again in an automatic assignment that they had not left (3).
    fn reapply_bundles(&mut self, before: &Model, at: i64) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let (member, was) = (&self.members[&id], before.members.get(&id));
            let home = member.assignment.clone();
            let back = member.active && was.is_some_and(|was| !was.active && was.assignment == home);
            if back && self.find_assignment(&home).is_some_and(|assignment| assignment.automatic) {
                self.enter(&id, &home, before, at);
            }
        }
    }

    /// Binds unmatched legacy settings in phase `LEGACY`: each one binds to the first member synced with its
    /// address (7.3). If one sync has two such members, the active one gets the setting.
    fn bind_unmatched_settings(&mut self, changes: &DirectoryChanges) {
        if self.migrated {
            return;
        }
        for active in [true, false] {
            for row in changes.named_members.iter().filter(|row| row.active == active) {
                let Some(member) = self.members.get_mut(&row.member).filter(|member| member.legacy_setting.is_none())
                else {
                    continue;
                };
                member.legacy_setting =
                    self.unmatched_settings.remove(row.identity["email"].as_str().unwrap_or_default());
            }
        }
    }
}

/// Returns a member before the first sync.
fn new_member() -> ModelMember {
    ModelMember {
        identity: Value::Null,
        active: false,
        groups: BTreeSet::new(),
        assignment: String::new(),
        pin: None,
        settings: empty_settings(),
        export: None,
        legacy_setting: None,
    }
}
