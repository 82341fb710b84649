//! Checking a sync's rows on their own: ids, texts, duplicates and contradictions.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    hash::Hash,
};

use super::{Identity, Memberships, Rejection, SyncMode};
use crate::{Email, GroupId, MemberId, Refusal, Violation, ids::check_text};

/// A person as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMember {
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
pub struct RawGroup {
    /// The external id.
    pub group: String,
    /// The id when empty.
    pub display_name: String,
}

/// A membership as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawMembership {
    /// The group's external id.
    pub group: String,
    /// The member's external id.
    pub member: String,
}

/// The rows of one sync as they came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRows {
    /// People.
    pub members: Vec<RawMember>,
    /// Groups.
    pub groups: Vec<RawGroup>,
    /// FULL: all memberships. DELTA: those to add.
    pub memberships: Vec<RawMembership>,
    /// DELTA: memberships to remove.
    pub removed: Vec<RawMembership>,
}

/// A person whose row is well formed, and whether they are active. The form of the addresses is not checked yet.
pub type ParsedMember = (MemberId, Identity, bool);

/// Rows that are well formed and agree with each other.
#[derive(Clone, Debug)]
pub struct ParsedRows {
    /// What the rows are.
    pub mode: SyncMode,
    /// People in the order they came.
    pub members: Vec<ParsedMember>,
    /// Display names by group.
    pub groups: BTreeMap<GroupId, String>,
    /// Memberships, or those to add.
    pub memberships: Memberships,
    /// Memberships to remove.
    pub removed: Memberships,
    /// Members whose row was rejected: they count as present and stay as they are.
    pub rejected_members: HashSet<MemberId>,
    /// Groups whose row was rejected: they count as present and stay as they are.
    pub rejected_groups: HashSet<GroupId>,
    /// Rows that cannot be taken.
    pub rejected: Vec<Rejection>,
}

impl ParsedRows {
    /// Checks the rows of one sync. Rows that contradict each other are all rejected.
    ///
    /// # Errors
    /// Memberships to remove in a FULL sync.
    pub fn parse(mode: SyncMode, raw: RawRows) -> Result<Self, Refusal> {
        if mode == SyncMode::Full && !raw.removed.is_empty() {
            let description = "a FULL sync lists every membership; leave out the memberships to remove";
            return Err(Refusal::Invalid(vec![Violation::invalid("removed_memberships", description)]));
        }
        let mut checked = Self::none(mode);
        checked.take_members(raw.members);
        checked.take_groups(raw.groups);
        checked.take_memberships(raw.memberships, raw.removed);
        Ok(checked)
    }

    fn none(mode: SyncMode) -> Self {
        Self {
            mode,
            members: Vec::new(),
            groups: BTreeMap::new(),
            memberships: Memberships::new(),
            removed: Memberships::new(),
            rejected_members: HashSet::new(),
            rejected_groups: HashSet::new(),
            rejected: Vec::new(),
        }
    }

    /// Every address that an active row would take, and every one that could bind an old setting.
    pub fn emails(&self) -> impl Iterator<Item = &Email> {
        self.members.iter().map(|(_, identity, _)| &identity.email)
    }

    /// Every member that a row names.
    #[must_use]
    pub fn named_members(&self) -> BTreeSet<&MemberId> {
        let people = self.members.iter().map(|(id, ..)| id);
        people.chain(self.memberships.keys()).chain(self.removed.keys()).collect()
    }

    /// Every group that a row names.
    #[must_use]
    pub fn named_groups(&self) -> BTreeSet<&GroupId> {
        let memberships = self.memberships.values().chain(self.removed.values());
        self.groups.keys().chain(memberships.flatten()).collect()
    }

    fn take_members(&mut self, rows: Vec<RawMember>) {
        let parsed = rows.into_iter().map(|row| match MemberId::parse(&row.member) {
            Ok(id) => Ok((id, parse_member(row))),
            Err(violation) => Err((row.member, violation)),
        });
        let (taken, rejected) = self.take_agreeing("member", parsed);
        self.members = taken.into_iter().map(|(id, (identity, active))| (id, identity, active)).collect();
        self.rejected_members = rejected;
    }

    fn take_groups(&mut self, rows: Vec<RawGroup>) {
        let parsed = rows.into_iter().map(|row| match GroupId::parse(&row.group) {
            Ok(id) => Ok((id, parse_group(row))),
            Err(violation) => Err((row.group, violation)),
        });
        let (taken, rejected) = self.take_agreeing("group", parsed);
        self.groups = taken.into_iter().collect();
        self.rejected_groups = rejected;
    }

    /// Takes rows that name one thing each; rows that say the same count once. Of rows that
    /// contradict each other none is taken, nor is one that stands beside a row that cannot be.
    fn take_agreeing<I: Clone + Eq + Hash + ToString, V: PartialEq>(
        &mut self,
        kind: &'static str,
        rows: impl Iterator<Item = Result<(I, Result<V, Violation>), (String, Violation)>>,
    ) -> (Vec<(I, V)>, HashSet<I>) {
        let (mut taken, mut place): (Vec<(I, V)>, HashMap<I, usize>) = Default::default();
        let (mut named, mut rejected): (Vec<I>, HashSet<I>) = Default::default();
        for row in rows {
            match row {
                Ok((id, Ok(value))) => {
                    let index = *place.entry(id.clone()).or_insert(taken.len());
                    if taken.get(index).is_some_and(|(_, first)| *first != value) {
                        rejected.insert(id.clone());
                    } else if index == taken.len() {
                        taken.push((id.clone(), value));
                    }
                    named.push(id);
                }
                Ok((id, Err(violation))) => {
                    // The id is valid: the member or group that it names counts as present.
                    self.rejected.push(Rejection { kind, key: id.to_string(), reason: violation.description });
                    rejected.insert(id);
                }
                Err((key, violation)) => {
                    self.rejected.push(Rejection { kind, key, reason: violation.description });
                }
            }
        }
        if rejected.is_empty() {
            return (taken, rejected);
        }
        taken.retain(|(id, _)| !rejected.contains(id));
        for id in named.iter().filter(|id| rejected.contains(id)) {
            let reason = format!("the sync names this {kind} twice with different values; send one row");
            self.rejected.push(Rejection { kind, key: id.to_string(), reason });
        }
        (taken, rejected)
    }

    fn take_memberships(&mut self, rows: Vec<RawMembership>, removed: Vec<RawMembership>) {
        let mut groups = HashMap::new();
        self.memberships = self.gather(rows, &mut groups);
        self.removed = self.gather(removed, &mut groups);
        for (member, leaving) in &mut self.removed {
            let Some(joining) = self.memberships.get_mut(member) else { continue };
            for group in joining.intersection(leaving).cloned().collect::<Vec<_>>() {
                joining.remove(&group);
                leaving.remove(&group);
                let reason = "the sync both adds and removes this membership";
                self.rejected.push(Rejection::of_membership(group.as_str(), member.as_str(), reason));
            }
        }
    }

    fn gather(&mut self, rows: Vec<RawMembership>, groups: &mut HashMap<String, GroupId>) -> Memberships {
        let mut gathered = HashMap::new();
        for row in rows {
            if let Err(violation) = put(&mut gathered, groups, &row) {
                let rejection = Rejection::of_membership(&row.group, &row.member, violation.description);
                self.rejected.push(rejection);
            }
        }
        gathered.into_values().collect()
    }
}

/// Puts a membership to the others of its member. Ids stand in many rows: each is checked and kept once.
fn put(
    gathered: &mut HashMap<String, (MemberId, BTreeSet<GroupId>)>,
    groups: &mut HashMap<String, GroupId>,
    row: &RawMembership,
) -> Result<(), Violation> {
    let group = match groups.get(&row.group) {
        Some(known) => known.clone(),
        None => {
            let new = GroupId::parse(&row.group)?;
            groups.insert(row.group.clone(), new.clone());
            new
        }
    };
    if let Some((_, mine)) = gathered.get_mut(&row.member) {
        mine.insert(group);
    } else {
        gathered.insert(row.member.clone(), (MemberId::parse(&row.member)?, BTreeSet::from([group])));
    }
    Ok(())
}

fn parse_member(row: RawMember) -> Result<(Identity, bool), Violation> {
    for (text, what) in
        [(&row.given_name, "given name"), (&row.family_name, "family name"), (&row.job_title, "job title")]
    {
        check_text(text, what, 0, 200)?;
    }
    let manager = Some(&row.manager_email).filter(|email| !email.is_empty());
    let identity = Identity {
        email: Email::lower_case(&row.email)?,
        manager_email: manager.map(|email| Email::lower_case(email)).transpose()?,
        given_name: row.given_name,
        family_name: row.family_name,
        job_title: row.job_title,
    };
    let active = row.active.ok_or_else(|| Violation::invalid("", "the row must say ACTIVE or INACTIVE"))?;
    Ok((identity, active))
}

fn parse_group(row: RawGroup) -> Result<String, Violation> {
    check_text(&row.display_name, "display name", 0, 255)?;
    Ok(if row.display_name.is_empty() { row.group } else { row.display_name })
}
