//! The rows of a sync: the rejected rows, and the changes of the accepted rows (product.md 6).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{DirectoryChanges, Model, ModelMemberRow, RefusalReason, items, text};

/// The rows of a sync: the accepted rows, and the keys of the rejected rows.
#[derive(Default)]
struct ModelSyncRows {
    full: bool,
    /// Accepted member rows in the order of the request.
    members: Vec<ModelMemberRow>,
    /// Accepted groups: the display name by id.
    groups: BTreeMap<String, String>,
    /// Accepted memberships to add, as (member, group).
    added: BTreeSet<(String, String)>,
    /// Accepted memberships to remove, as (member, group).
    removed: BTreeSet<(String, String)>,
    /// The members of rejected rows. They count as present and stay unchanged.
    rejected_members: BTreeSet<String>,
    /// The groups of rejected rows. They count as present and stay unchanged.
    rejected_groups: BTreeSet<String>,
    /// The kinds and keys of the rejected rows.
    rejected: Vec<(&'static str, String)>,
}

impl Model {
    /// Handles `SyncDirectory`.
    pub(crate) fn sync_directory(&mut self, request: &Value, at: i64) -> Result<Value, RefusalReason> {
        let before = self.clone();
        let mut rows = ModelSyncRows { full: request["mode"] == "SYNC_MODE_FULL", ..ModelSyncRows::default() };
        rows.read_members(&request["members"]);
        rows.read_groups(&request["groups"]);
        rows.read_memberships(request);
        self.reject_foreign_domains(&mut rows);
        self.reject_taken_addresses(&mut rows);
        self.reject_unknown_memberships(&mut rows);
        let changes = self.directory_changes(&rows);
        for (id, name) in &rows.groups {
            self.group_names.insert(id.clone(), name.clone());
        }
        self.apply_sync(&changes, at);
        let counts = self.sync_counts(&before, &changes);
        if request["allow_mass_change"] != true && self.is_mass_change(&before) {
            return Err("MASS_CHANGE_BLOCKED".to_owned());
        }
        rows.rejected.sort();
        let rejected: Vec<Value> =
            rows.rejected.iter().map(|(kind, key)| json!({ "kind": kind, "key": key })).collect();
        Ok(json!({ "counts": counts, "rejected_count": rejected.len(), "rejected": rejected }))
    }

    /// Rejects rows of active members with an address in a foreign email domain.
    fn reject_foreign_domains(&self, rows: &mut ModelSyncRows) {
        let own = |row: &ModelMemberRow| {
            let email = text(&row.identity["email"]);
            let domain = email.rsplit('@').next().unwrap_or_default();
            self.email_domains.is_empty() || !row.active || self.email_domains.iter().any(|own| own == domain)
        };
        let foreign = rows.members.iter().filter(|row| !own(row)).map(|row| row.member.clone()).collect();
        rows.reject_members(&foreign);
    }

    /// Rejects rows that would give two active members the same address. The member who already has the
    /// address keeps it, or else the first row gets it. A member whose row is rejected keeps the stored
    /// address, which may conflict with another row, so the check repeats until it rejects no row.
    fn reject_taken_addresses(&self, rows: &mut ModelSyncRows) {
        loop {
            let mut holders: BTreeMap<String, &str> = BTreeMap::new();
            for (id, member) in self.members.iter().filter(|(_, member)| member.active) {
                let row = rows.members.iter().find(|row| row.member == *id);
                let stays = match row {
                    Some(row) => row.active && row.identity["email"] == member.identity["email"],
                    None => !rows.full || rows.rejected_members.contains(id),
                };
                if stays {
                    holders.insert(member.email().to_owned(), id);
                }
            }
            let mut rejected = BTreeSet::new();
            for row in rows.members.iter().filter(|row| row.active) {
                let holder = holders.entry(text(&row.identity["email"])).or_insert(&row.member);
                if *holder != row.member {
                    rejected.insert(row.member.clone());
                }
            }
            if rejected.is_empty() {
                return;
            }
            rows.reject_members(&rejected);
        }
    }

    /// Rejects memberships of members and groups that are unknown after the sync.
    fn reject_unknown_memberships(&self, rows: &mut ModelSyncRows) {
        let named: BTreeSet<String> = rows.members.iter().map(|row| row.member.clone()).collect();
        let has_member = |id: &String| {
            let stays = !rows.full || rows.rejected_members.contains(id);
            named.contains(id) || (stays && self.members.contains_key(id))
        };
        let has_group = |id: &String| {
            let stays = !rows.full || rows.rejected_groups.contains(id);
            rows.groups.contains_key(id) || (stays && self.groups.get(id) == Some(&true))
        };
        let known = |(member, group): &(String, String)| has_member(member) && has_group(group);
        let all = rows.added.iter().chain(&rows.removed);
        let unknown: Vec<(String, String)> = all.filter(|pair| !known(pair)).cloned().collect();
        for (member, group) in unknown {
            rows.rejected.push(("membership", format!("{group}/{member}")));
            let pair = (member, group);
            rows.added.remove(&pair);
            rows.removed.remove(&pair);
        }
    }

    /// Returns the changes of the accepted rows.
    fn directory_changes(&self, rows: &ModelSyncRows) -> DirectoryChanges {
        let differs = |row: &&ModelMemberRow| {
            self.members.get(&row.member).is_none_or(|m| m.identity != row.identity || m.active != row.active)
        };
        let mut members: BTreeMap<String, ModelMemberRow> =
            rows.members.iter().filter(differs).map(|row| (row.member.clone(), row.clone())).collect();
        let mut groups: BTreeMap<String, bool> = BTreeMap::new();
        for (id, name) in &rows.groups {
            if self.groups.get(id) != Some(&true) || self.group_names.get(id) != Some(name) {
                groups.insert(id.clone(), true);
            }
        }
        let stored: BTreeSet<(String, String)> = self.memberships();
        let added: BTreeSet<_> = rows.added.difference(&stored).cloned().collect();
        let mut removed: BTreeSet<_> = rows.removed.intersection(&stored).cloned().collect();
        if rows.full {
            let is_named =
                |id: &String| rows.members.iter().any(|row| row.member == *id) || rows.rejected_members.contains(id);
            for (id, member) in self.members.iter().filter(|(id, member)| member.active && !is_named(id)) {
                let row = ModelMemberRow { member: id.clone(), identity: member.identity.clone(), active: false };
                members.insert(id.clone(), row);
            }
            let is_present = |id: &String| rows.groups.contains_key(id) || rows.rejected_groups.contains(id);
            groups.extend(
                self.groups.iter().filter(|(id, here)| **here && !is_present(id)).map(|(id, _)| (id.clone(), false)),
            );
            let is_removed =
                |pair: &&(String, String)| !is_present(&pair.1) || (is_named(&pair.0) && !rows.added.contains(*pair));
            removed = stored.iter().filter(is_removed).cloned().collect();
        }
        DirectoryChanges {
            members: members.into_values().collect(),
            named_members: rows.members.clone(),
            groups: groups.into_iter().collect(),
            added: added.into_iter().collect(),
            removed: removed.into_iter().collect(),
        }
    }

    /// Returns all memberships, as (member, group).
    fn memberships(&self) -> BTreeSet<(String, String)> {
        let of = |(id, member): (&String, &super::ModelMember)| {
            let id = id.clone();
            member.groups.iter().map(move |group| (id.clone(), group.clone())).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(of).collect()
    }

    fn sync_counts(&self, before: &Self, changes: &DirectoryChanges) -> Value {
        let known: Vec<_> = before.members.iter().map(|(id, was)| (was, &self.members[id])).collect();
        json!({
            "members_created": self.members.len() - before.members.len(),
            "members_updated": known.iter().filter(|(was, is)| was.identity != is.identity).count(),
            "members_deactivated": known.iter().filter(|(was, is)| was.active && !is.active).count(),
            "members_reactivated": known.iter().filter(|(was, is)| !was.active && is.active).count(),
            "groups_changed": changes.groups.len(),
            "memberships_added": changes.added.len(),
            "memberships_removed": changes.removed.len(),
            "members_rehomed": known.iter().filter(|(was, is)| was.assignment != is.assignment).count(),
        })
    }

    /// Returns whether the sync deactivates or re-homes more members than both limits allow, or more than half of at least
    /// five active members.
    fn is_mass_change(&self, before: &Self) -> bool {
        let touched = before.members.iter().filter(|(id, was)| {
            let is = &self.members[*id];
            (was.active && !is.active) || was.assignment != is.assignment
        });
        let (touched, active) = (touched.count(), before.members.values().filter(|member| member.active).count());
        let (members, percent) = self.mass_change_limit;
        (touched > members && touched * 100 > percent * active) || (active >= 5 && touched * 2 > active)
    }
}

impl ModelSyncRows {
    fn read_members(&mut self, rows: &Value) {
        let read = |row: &Value| {
            let email = email_of(&row["email"])?;
            let manager = Some(text(&row["manager_email"])).filter(|manager| !manager.is_empty());
            let manager = manager.map(|manager| email_of(&json!(manager)).ok_or(())).transpose().ok()?;
            let active = match row["status"].as_str()? {
                "MEMBER_STATUS_ACTIVE" => true,
                "MEMBER_STATUS_INACTIVE" => false,
                _ => return None,
            };
            let identity = json!({
                "email": email, "given_name": text(&row["given_name"]), "family_name": text(&row["family_name"]),
                "job_title": text(&row["job_title"]), "manager_email": manager,
            });
            Some((identity, active))
        };
        let (accepted, rejected) = self.consistent_rows("member", rows, read);
        self.members = accepted
            .into_iter()
            .map(|(member, (identity, active))| ModelMemberRow { member, identity, active })
            .collect();
        self.rejected_members = rejected;
    }

    fn read_groups(&mut self, rows: &Value) {
        let read = |row: &Value| {
            let (id, name) = (text(&row["group"]), text(&row["display_name"]));
            Some(if name.is_empty() { id } else { name }).filter(|name| !name.contains(char::is_control))
        };
        let (accepted, rejected) = self.consistent_rows("group", rows, read);
        self.groups = accepted.into_iter().collect();
        self.rejected_groups = rejected;
    }

    /// Reads rows of a kind. Returns the valid rows whose key has no contradicting row, in the order of the
    /// request, and the keys of the rejected rows.
    fn consistent_rows<T: PartialEq>(
        &mut self,
        kind: &'static str,
        rows: &Value,
        read: impl Fn(&Value) -> Option<T>,
    ) -> (Vec<(String, T)>, BTreeSet<String>) {
        let rows: Vec<(String, Option<T>)> = items(rows).map(|row| (text(&row[kind]), read(row))).collect();
        let is_consistent = |id: &str, value: &Option<T>| {
            value.is_some() && rows.iter().filter(|(other, _)| other == id).all(|(_, other)| other == value)
        };
        let mut rejected = BTreeSet::new();
        for (id, value) in &rows {
            if !is_consistent(id, value) {
                self.rejected.push((kind, id.clone()));
                rejected.insert(id.clone());
            }
        }
        let mut accepted: Vec<(String, T)> = Vec::new();
        for (id, value) in rows {
            if let Some(value) = value
                && !rejected.contains(&id)
                && !accepted.iter().any(|(other, _)| *other == id)
            {
                accepted.push((id, value));
            }
        }
        (accepted, rejected)
    }

    fn read_memberships(&mut self, request: &Value) {
        let pair = |row: &Value| (text(&row["member"]), text(&row["group"]));
        self.added = items(&request["memberships"]).map(pair).collect();
        self.removed = items(&request["removed_memberships"]).map(pair).collect();
        let both: Vec<(String, String)> = self.added.intersection(&self.removed).cloned().collect();
        for (member, group) in both {
            self.rejected.push(("membership", format!("{group}/{member}")));
            let pair = (member, group);
            self.added.remove(&pair);
            self.removed.remove(&pair);
        }
    }

    /// Rejects the rows of `members`.
    fn reject_members(&mut self, members: &BTreeSet<String>) {
        self.rejected.extend(members.iter().map(|id| ("member", id.clone())));
        self.members.retain(|row| !members.contains(&row.member));
        self.rejected_members.extend(members.iter().cloned());
    }
}

/// Returns a valid address in lower case, or `None` if the address is invalid.
pub(crate) fn email_of(value: &Value) -> Option<String> {
    let email = text(value).to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let blank = email.contains(char::is_whitespace) || email.contains(char::is_control);
    (!local.is_empty() && !domain.is_empty() && !blank).then_some(email)
}
