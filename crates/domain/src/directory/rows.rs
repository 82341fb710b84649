//! Checking a sync's rows on their own: ids, texts, duplicates and contradictions.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use super::{Identity, Memberships, Rejection, SyncMode, agreeing::Agreeing};
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
pub type ParsedMember = (MemberId, Arc<Identity>, bool);

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
    /// Checks the rows of one sync; see [`RowParser`].
    ///
    /// # Errors
    /// Memberships to remove in a FULL sync.
    pub fn parse(mode: SyncMode, raw: RawRows) -> Result<Self, Refusal> {
        let mut parser = RowParser::new(mode);
        parser.add(raw);
        parser.finish()
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
}

/// Checks the rows of one sync as they come, in parts of any size, so that the rows as they came need no memory. The
/// result does not depend on the parts. Rows that contradict each other are all rejected.
#[derive(Debug)]
pub struct RowParser {
    mode: SyncMode,
    members: Agreeing<MemberId, (Arc<Identity>, bool)>,
    groups: Agreeing<GroupId, String>,
    memberships: Gathered,
    removed: Gathered,
    /// The groups of the memberships. Many members have the same group: they share its id.
    group_ids: HashMap<String, GroupId>,
    /// Whether a row names a membership to remove.
    removes: bool,
    rejected: Vec<Rejection>,
}

impl RowParser {
    /// Begins with no rows.
    #[must_use]
    pub fn new(mode: SyncMode) -> Self {
        Self {
            mode,
            members: Agreeing::new("member"),
            groups: Agreeing::new("group"),
            memberships: Gathered::new(),
            removed: Gathered::new(),
            group_ids: HashMap::new(),
            removes: false,
            rejected: Vec::new(),
        }
    }

    /// Adds the next rows.
    pub fn add(&mut self, raw: RawRows) {
        for row in raw.members {
            match MemberId::parse(&row.member) {
                Ok(id) => self.members.add(id, parse_member(row), &mut self.rejected),
                Err(violation) => self.rejected.push(Rejection::of("member", row.member, violation)),
            }
        }
        for row in raw.groups {
            match GroupId::parse(&row.group) {
                Ok(id) => self.groups.add(id, parse_group(row), &mut self.rejected),
                Err(violation) => self.rejected.push(Rejection::of("group", row.group, violation)),
            }
        }
        self.removes |= !raw.removed.is_empty();
        for (rows, gathered) in [(raw.memberships, &mut self.memberships), (raw.removed, &mut self.removed)] {
            for row in rows {
                if let Err(violation) = put(gathered, &mut self.group_ids, &row) {
                    let rejection = Rejection::of_membership(&row.group, &row.member, violation.description);
                    self.rejected.push(rejection);
                }
            }
        }
    }

    /// Returns the rows that can be taken, and the rejections of the others.
    ///
    /// # Errors
    /// Memberships to remove in a FULL sync.
    pub fn finish(mut self) -> Result<ParsedRows, Refusal> {
        if self.mode == SyncMode::Full && self.removes {
            let description = "a FULL sync lists every membership; leave out the memberships to remove";
            return Err(Refusal::Invalid(vec![Violation::invalid("removed_memberships", description)]));
        }
        self.reject_contradicting_memberships();
        let (members, rejected_members) = self.members.finish(&mut self.rejected);
        let (groups, rejected_groups) = self.groups.finish(&mut self.rejected);
        Ok(ParsedRows {
            mode: self.mode,
            members: members.into_iter().map(|(id, (identity, active))| (id, identity, active)).collect(),
            groups: groups.into_iter().collect(),
            memberships: self.memberships.into_values().collect(),
            removed: self.removed.into_values().collect(),
            rejected_members,
            rejected_groups,
            rejected: self.rejected,
        })
    }

    fn reject_contradicting_memberships(&mut self) {
        for (key, (member, leaving)) in &mut self.removed {
            let Some((_, joining)) = self.memberships.get_mut(key) else { continue };
            for group in joining.intersection(leaving).cloned().collect::<Vec<_>>() {
                joining.remove(&group);
                leaving.remove(&group);
                let reason = "the sync both adds and removes this membership";
                self.rejected.push(Rejection::of_membership(group.as_str(), member.as_str(), reason));
            }
        }
    }
}

/// The groups of each member, by the member's id as it came.
type Gathered = HashMap<String, (MemberId, BTreeSet<GroupId>)>;

/// Puts a membership to the others of its member. Ids stand in many rows: each is checked and kept once.
fn put(gathered: &mut Gathered, groups: &mut HashMap<String, GroupId>, row: &RawMembership) -> Result<(), Violation> {
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

fn parse_member(row: RawMember) -> Result<(Arc<Identity>, bool), Violation> {
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
    let active = row
        .active
        .ok_or_else(|| Violation::invalid("", "give MEMBER_STATUS_ACTIVE or MEMBER_STATUS_INACTIVE as status"))?;
    Ok((Arc::new(identity), active))
}

fn parse_group(row: RawGroup) -> Result<String, Violation> {
    check_text(&row.display_name, "display name", 0, 255)?;
    Ok(if row.display_name.is_empty() { row.group } else { row.display_name })
}
