//! Checking a sync's rows on their own: ids, addresses, duplicates and contradictions.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::Hash,
};

use super::{Identity, Rejection};
use crate::{Email, GroupId, MemberId, Violation, ids::check_text};

/// A person as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberRow {
    /// The external id.
    pub member: String,
    /// In any case.
    pub email: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title.
    pub job_title: String,
    /// Empty for none.
    pub manager_email: String,
    /// `None` when the row does not say.
    pub active: Option<bool>,
}

/// A group as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupRow {
    /// The external id.
    pub group: String,
    /// The id when empty.
    pub display_name: String,
}

/// A membership as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MembershipRow {
    /// The group's external id.
    pub group: String,
    /// The member's external id.
    pub member: String,
}

/// The rows of one sync as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRows {
    /// People.
    pub members: Vec<MemberRow>,
    /// Groups.
    pub groups: Vec<GroupRow>,
    /// FULL: all memberships. DELTA: those to add.
    pub memberships: Vec<MembershipRow>,
    /// DELTA: memberships to remove.
    pub removed: Vec<MembershipRow>,
}

/// Rows that are well formed and agree with each other.
#[derive(Clone, Debug, Default)]
pub struct CheckedRows {
    /// People in the order they came.
    pub members: Vec<(MemberId, Identity, bool)>,
    /// Display names by group.
    pub groups: BTreeMap<GroupId, String>,
    /// Memberships, or those to add.
    pub memberships: BTreeSet<(MemberId, GroupId)>,
    /// Memberships to remove.
    pub removed: BTreeSet<(MemberId, GroupId)>,
    /// Members whose row was rejected: they count as present and stay as they are.
    pub rejected_members: HashSet<MemberId>,
    /// Groups whose row was rejected: they count as present and stay as they are.
    pub rejected_groups: HashSet<GroupId>,
    /// Rows that cannot be taken.
    pub rejected: Vec<Rejection>,
}

impl CheckedRows {
    /// Checks the rows of one sync. Rows that contradict each other are all rejected.
    #[must_use]
    pub fn check(raw: RawRows) -> Self {
        let mut checked = Self::default();
        checked.take_members(raw.members);
        checked.take_groups(raw.groups);
        checked.take_memberships(raw.memberships, raw.removed);
        checked
    }

    /// Notes that a row cannot be taken.
    pub fn reject(&mut self, kind: &'static str, key: String, reason: impl Into<String>) {
        self.rejected.push(Rejection { kind, key, reason: reason.into() });
    }

    /// Every address that an active row would take, and every one that could bind an old setting.
    pub fn emails(&self) -> impl Iterator<Item = &Email> {
        self.members.iter().map(|(_, identity, _)| &identity.email)
    }

    /// Every member that a row names.
    #[must_use]
    pub fn named_members(&self) -> BTreeSet<&MemberId> {
        let people = self.members.iter().map(|(id, ..)| id);
        people.chain(self.memberships.iter().chain(&self.removed).map(|(member, _)| member)).collect()
    }

    fn take_members(&mut self, rows: Vec<MemberRow>) {
        let parsed = rows.into_iter().map(|row| {
            let id = MemberId::parse(&row.member);
            (id.map(|id| (id, parse_member(&row))), row.member)
        });
        let (taken, rejected) = self.take_agreeing("member", parsed);
        self.members = taken.into_iter().map(|(id, (identity, active))| (id, identity, active)).collect();
        self.rejected_members = rejected;
    }

    fn take_groups(&mut self, rows: Vec<GroupRow>) {
        let parsed = rows.into_iter().map(|row| {
            let id = GroupId::parse(&row.group);
            (id.map(|id| (id, parse_group(&row))), row.group)
        });
        let (taken, rejected) = self.take_agreeing("group", parsed);
        self.groups = taken.into_iter().collect();
        self.rejected_groups = rejected;
    }

    /// Takes rows that name one thing each; rows that say the same count once. Of rows that
    /// contradict each other none is taken, nor is one that stands beside a row that cannot be.
    fn take_agreeing<I: Clone + Eq + Hash, V: PartialEq>(
        &mut self,
        kind: &'static str,
        rows: impl Iterator<Item = (Result<(I, Result<V, Violation>), Violation>, String)>,
    ) -> (Vec<(I, V)>, HashSet<I>) {
        let (mut taken, mut place): (Vec<(I, V)>, HashMap<I, usize>) = Default::default();
        let (mut named, mut rejected): (Vec<(I, String)>, HashSet<I>) = Default::default();
        for (row, key) in rows {
            match row {
                Ok((id, Ok(value))) => {
                    let index = *place.entry(id.clone()).or_insert(taken.len());
                    if taken.get(index).is_some_and(|(_, first)| *first != value) {
                        rejected.insert(id.clone());
                    } else if index == taken.len() {
                        taken.push((id.clone(), value));
                    }
                    named.push((id, key));
                }
                Ok((id, Err(violation))) => {
                    // The id itself is fine: whom or what it names counts as present.
                    rejected.insert(id);
                    self.reject(kind, key, violation.description);
                }
                Err(violation) => self.reject(kind, key, violation.description),
            }
        }
        taken.retain(|(id, _)| !rejected.contains(id));
        for (_, key) in named.into_iter().filter(|(id, _)| rejected.contains(id)) {
            let reason = format!("the sync names this {kind} twice with different values; send one row");
            self.reject(kind, key, reason);
        }
        (taken, rejected)
    }

    fn take_memberships(&mut self, rows: Vec<MembershipRow>, removed: Vec<MembershipRow>) {
        for (row, removes) in rows.into_iter().map(|row| (row, false)).chain(removed.into_iter().map(|row| (row, true)))
        {
            match parse_membership(&row) {
                Err(violation) => self.reject("membership", key(&row.group, &row.member), violation.description),
                Ok(pair) if removes => {
                    self.removed.insert(pair);
                }
                Ok(pair) => {
                    self.memberships.insert(pair);
                }
            }
        }
        let both: Vec<_> = self.memberships.intersection(&self.removed).cloned().collect();
        for (member, group) in both {
            self.reject(
                "membership",
                key(group.as_str(), member.as_str()),
                "the sync both adds and removes this membership",
            );
            self.memberships.remove(&(member.clone(), group.clone()));
            self.removed.remove(&(member, group));
        }
    }
}

/// The key of a membership in a rejection: `group/member`.
#[must_use]
pub fn key(group: &str, member: &str) -> String {
    format!("{group}/{member}")
}

fn parse_member(row: &MemberRow) -> Result<(Identity, bool), Violation> {
    for (text, what) in
        [(&row.given_name, "given name"), (&row.family_name, "family name"), (&row.job_title, "job title")]
    {
        check_text(text, what, 0, 200)?;
    }
    let manager = Some(&row.manager_email).filter(|email| !email.is_empty());
    let identity = Identity {
        email: Email::parse(&row.email)?,
        given_name: row.given_name.clone(),
        family_name: row.family_name.clone(),
        job_title: row.job_title.clone(),
        manager_email: manager.map(|email| Email::parse(email)).transpose()?,
    };
    let active = row.active.ok_or_else(|| Violation::invalid("", "the row must say ACTIVE or INACTIVE"))?;
    Ok((identity, active))
}

fn parse_group(row: &GroupRow) -> Result<String, Violation> {
    check_text(&row.display_name, "display name", 0, 255)?;
    let name = if row.display_name.is_empty() { &row.group } else { &row.display_name };
    Ok(name.clone())
}

fn parse_membership(row: &MembershipRow) -> Result<(MemberId, GroupId), Violation> {
    Ok((MemberId::parse(&row.member)?, GroupId::parse(&row.group)?))
}
