//! Which rows of a sync can be taken, and what it changes (product.md 6).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{DirectoryRow, Model, Refused, Sync, items, text};

/// The rows of a sync, as far as they can be taken.
#[derive(Default)]
struct Rows {
    full: bool,
    /// People in the order in which they came.
    people: Vec<DirectoryRow>,
    /// Groups by id, with their names.
    groups: BTreeMap<String, String>,
    /// As (member, group).
    added: BTreeSet<(String, String)>,
    removed: BTreeSet<(String, String)>,
    /// Those whose row is rejected: they count as present and stay as they are.
    kept_people: BTreeSet<String>,
    kept_groups: BTreeSet<String>,
    /// The kinds and keys of the rows that are rejected.
    rejected: Vec<(&'static str, String)>,
}

impl Model {
    /// Takes over a directory, as it was asked for.
    ///
    /// # Errors
    /// Why it is not allowed.
    pub(super) fn sync_rows(&mut self, request: &Value, at: i64) -> Result<Value, Refused> {
        let before = self.clone();
        let mut rows = Rows { full: request["mode"] == "SYNC_MODE_FULL", ..Rows::default() };
        rows.read_people(&request["members"]);
        rows.read_groups(&request["groups"]);
        rows.read_memberships(request);
        self.reject_foreign_addresses(&mut rows);
        self.reject_taken_addresses(&mut rows);
        self.reject_unknown(&mut rows);
        let sync = self.changes_of(&rows);
        for (id, name) in &rows.groups {
            self.group_names.insert(id.clone(), name.clone());
        }
        self.sync(&sync, at);
        let counts = self.count_sync(&before, &sync);
        if request["allow_mass_change"] != true && self.is_mass_change(&before) {
            return Err("MASS_CHANGE_BLOCKED".to_owned());
        }
        rows.rejected.sort();
        let rejected: Vec<Value> =
            rows.rejected.iter().map(|(kind, key)| json!({ "kind": kind, "key": key })).collect();
        Ok(json!({ "counts": counts, "rejected_count": rejected.len(), "rejected": rejected }))
    }

    /// Nobody comes in with an address of elsewhere.
    fn reject_foreign_addresses(&self, rows: &mut Rows) {
        let own = |row: &DirectoryRow| {
            let email = text(&row.identity["email"]);
            let domain = email.rsplit('@').next().unwrap_or_default();
            self.email_domains.is_empty() || !row.active || self.email_domains.iter().any(|own| own == domain)
        };
        let foreign = rows.people.iter().filter(|row| !own(row)).map(|row| row.member.clone()).collect();
        rows.keep_out(&foreign);
    }

    /// Addresses are unique among active members. Where several would have one, it stays with whom
    /// has it already, else the first row gets it; whoever is rejected keeps the address of before,
    /// which may be in the way of others, so all is looked at again.
    fn reject_taken_addresses(&self, rows: &mut Rows) {
        loop {
            let mut holders: BTreeMap<String, &str> = BTreeMap::new();
            for (id, member) in self.members.iter().filter(|(_, member)| member.active) {
                let row = rows.people.iter().find(|row| row.member == *id);
                let stays = match row {
                    Some(row) => row.active && row.identity["email"] == member.identity["email"],
                    None => !rows.full || rows.kept_people.contains(id),
                };
                if stays {
                    holders.insert(member.email().to_owned(), id);
                }
            }
            let mut losers = BTreeSet::new();
            for row in rows.people.iter().filter(|row| row.active) {
                let holder = holders.entry(text(&row.identity["email"])).or_insert(&row.member);
                if *holder != row.member {
                    losers.insert(row.member.clone());
                }
            }
            if losers.is_empty() {
                return;
            }
            rows.keep_out(&losers);
        }
    }

    /// Memberships name who and what is there after the sync.
    fn reject_unknown(&self, rows: &mut Rows) {
        let named: BTreeSet<String> = rows.people.iter().map(|row| row.member.clone()).collect();
        let has_member = |id: &String| {
            let stays = !rows.full || rows.kept_people.contains(id);
            named.contains(id) || (stays && self.members.contains_key(id))
        };
        let has_group = |id: &String| {
            let stays = !rows.full || rows.kept_groups.contains(id);
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

    /// What the rows that are taken change.
    fn changes_of(&self, rows: &Rows) -> Sync {
        let differs = |row: &&DirectoryRow| {
            self.members.get(&row.member).is_none_or(|m| m.identity != row.identity || m.active != row.active)
        };
        let mut people: BTreeMap<String, DirectoryRow> =
            rows.people.iter().filter(differs).map(|row| (row.member.clone(), row.clone())).collect();
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
                |id: &String| rows.people.iter().any(|row| row.member == *id) || rows.kept_people.contains(id);
            for (id, member) in self.members.iter().filter(|(id, member)| member.active && !is_named(id)) {
                let row = DirectoryRow { member: id.clone(), identity: member.identity.clone(), active: false };
                people.insert(id.clone(), row);
            }
            let there = |id: &String| rows.groups.contains_key(id) || rows.kept_groups.contains(id);
            groups.extend(
                self.groups.iter().filter(|(id, here)| **here && !there(id)).map(|(id, _)| (id.clone(), false)),
            );
            let gone = |pair: &&(String, String)| !there(&pair.1) || (is_named(&pair.0) && !rows.added.contains(*pair));
            removed = stored.iter().filter(gone).cloned().collect();
        }
        Sync {
            members: people.into_values().collect(),
            named: rows.people.clone(),
            groups: groups.into_iter().collect(),
            added: added.into_iter().collect(),
            removed: removed.into_iter().collect(),
        }
    }

    /// All memberships, as (member, group).
    fn memberships(&self) -> BTreeSet<(String, String)> {
        let of = |(id, member): (&String, &super::Member)| {
            let id = id.clone();
            member.groups.iter().map(move |group| (id.clone(), group.clone())).collect::<Vec<_>>()
        };
        self.members.iter().flat_map(of).collect()
    }

    fn count_sync(&self, before: &Self, sync: &Sync) -> Value {
        let known: Vec<_> = before.members.iter().map(|(id, was)| (was, &self.members[id])).collect();
        json!({
            "members_created": self.members.len() - before.members.len(),
            "members_updated": known.iter().filter(|(was, is)| was.identity != is.identity).count(),
            "members_deactivated": known.iter().filter(|(was, is)| was.active && !is.active).count(),
            "members_reactivated": known.iter().filter(|(was, is)| !was.active && is.active).count(),
            "groups_changed": sync.groups.len(),
            "memberships_added": sync.added.len(),
            "memberships_removed": sync.removed.len(),
            "members_rehomed": known.iter().filter(|(was, is)| was.assignment != is.assignment).count(),
        })
    }

    /// More members are deactivated or re-homed than both limits allow.
    fn is_mass_change(&self, before: &Self) -> bool {
        let touched = before.members.iter().filter(|(id, was)| {
            let is = &self.members[*id];
            (was.active && !is.active) || was.assignment != is.assignment
        });
        let (touched, active) = (touched.count(), before.members.values().filter(|member| member.active).count());
        let (members, percent) = self.mass_change_limit;
        touched > members && touched * 100 > percent * active
    }
}

impl Rows {
    fn read_people(&mut self, rows: &Value) {
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
        let (taken, kept) = self.agreeing("member", rows, read);
        self.people =
            taken.into_iter().map(|(member, (identity, active))| DirectoryRow { member, identity, active }).collect();
        self.kept_people = kept;
    }

    fn read_groups(&mut self, rows: &Value) {
        let read = |row: &Value| {
            let (id, name) = (text(&row["group"]), text(&row["display_name"]));
            Some(if name.is_empty() { id } else { name }).filter(|name| !name.contains(char::is_control))
        };
        let (taken, kept) = self.agreeing("group", rows, read);
        self.groups = taken.into_iter().collect();
        self.kept_groups = kept;
    }

    /// The rows that name one thing each and agree about it, in the order in which they came; and what
    /// the others name.
    fn agreeing<T: PartialEq>(
        &mut self,
        kind: &'static str,
        rows: &Value,
        read: impl Fn(&Value) -> Option<T>,
    ) -> (Vec<(String, T)>, BTreeSet<String>) {
        let rows: Vec<(String, Option<T>)> = items(rows).map(|row| (text(&row[kind]), read(row))).collect();
        let agrees = |id: &str, value: &Option<T>| {
            value.is_some() && rows.iter().filter(|(other, _)| other == id).all(|(_, other)| other == value)
        };
        let mut kept = BTreeSet::new();
        for (id, value) in &rows {
            if !agrees(id, value) {
                self.rejected.push((kind, id.clone()));
                kept.insert(id.clone());
            }
        }
        let mut taken: Vec<(String, T)> = Vec::new();
        for (id, value) in rows {
            if let Some(value) = value
                && !kept.contains(&id)
                && !taken.iter().any(|(other, _)| *other == id)
            {
                taken.push((id, value));
            }
        }
        (taken, kept)
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

    /// Rejects the rows of some people.
    fn keep_out(&mut self, members: &BTreeSet<String>) {
        self.rejected.extend(members.iter().map(|id| ("member", id.clone())));
        self.people.retain(|row| !members.contains(&row.member));
        self.kept_people.extend(members.iter().cloned());
    }
}

/// An address in lower case, if it is one.
pub(super) fn email_of(value: &Value) -> Option<String> {
    let email = text(value).to_lowercase();
    let (local, domain) = email.rsplit_once('@')?;
    let blank = email.contains(char::is_whitespace) || email.contains(char::is_control);
    (!local.is_empty() && !domain.is_empty() && !blank).then_some(email)
}
