//! Directory sync, as what it changes: which rows can be taken is decided before (product.md 6).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Member, Model, no_settings};

/// What a sync changes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sync {
    /// Members whose identity or activation changes, and new ones.
    pub members: Vec<DirectoryRow>,
    /// Members whom the sync names, as far as an old setting may wait for their address.
    pub named: Vec<DirectoryRow>,
    /// Groups, and whether they are present.
    pub groups: Vec<(String, bool)>,
    /// Memberships that are new, as (member, group).
    pub added: Vec<(String, String)>,
    /// Memberships that are gone, as (member, group).
    pub removed: Vec<(String, String)>,
}

/// A member in a sync.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectoryRow {
    /// The id.
    pub member: String,
    /// The email, names, title and manager.
    pub identity: Value,
    /// Whether active.
    pub active: bool,
}

impl Model {
    /// Takes a sync over; members are resolved once, at its end.
    pub fn sync(&mut self, sync: &Sync, at: i64) {
        let before = self.clone();
        self.groups.extend(sync.groups.iter().cloned());
        for row in &sync.members {
            let member = self.members.entry(row.member.clone()).or_insert_with(nobody);
            member.identity = row.identity.clone();
            member.active = row.active;
        }
        for (id, group) in &sync.removed {
            if let Some(member) = self.members.get_mut(id) {
                member.groups.remove(group);
            }
        }
        for (id, group) in &sync.added {
            if let Some(member) = self.members.get_mut(id) {
                member.groups.insert(group.clone());
            }
        }
        self.bind_waiting(sync);
        self.resolve_everybody(&BTreeSet::new(), &before, at);
        self.welcome_back(&before, at);
    }

    /// Whoever is active again where they were gets the bundle, under automatic updates (3).
    fn welcome_back(&mut self, before: &Model, at: i64) {
        let ids: Vec<String> = self.members.keys().cloned().collect();
        for id in ids {
            let (member, was) = (&self.members[&id], before.members.get(&id));
            let home = member.assignment.clone();
            let back = member.active && was.is_some_and(|was| !was.active && was.assignment == home);
            if back && self.find(&home).is_some_and(|assignment| assignment.automatic) {
                self.enter(&id, &home, before, at);
            }
        }
    }

    /// An old setting that waits for an address binds to the first member synced with it (7.3),
    /// while old settings decide; of two in one sync, to the active one.
    fn bind_waiting(&mut self, sync: &Sync) {
        if self.migrated {
            return;
        }
        for active in [true, false] {
            for row in sync.named.iter().filter(|row| row.active == active) {
                let Some(member) = self.members.get_mut(&row.member).filter(|member| member.legacy.is_none()) else {
                    continue;
                };
                member.legacy = self.waiting.remove(row.identity["email"].as_str().unwrap_or_default());
            }
        }
    }
}

/// A member who is about to be synced for the first time.
fn nobody() -> Member {
    Member {
        identity: Value::Null,
        active: false,
        groups: BTreeSet::new(),
        assignment: String::new(),
        pin: None,
        settings: no_settings(),
        export: None,
        legacy: None,
    }
}
