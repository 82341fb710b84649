//! Which rows are taken beside what is stored and what the organization allows, and so who and what is there after
//! the sync.

use std::collections::HashSet;

use super::{CheckedMember, CheckedRows, Directory, Mode, Rejection, emails};
use crate::{GroupId, MemberId};

/// The rows that are taken.
pub(super) struct Taken<'a> {
    /// People in the order they came.
    pub(super) people: Vec<&'a CheckedMember>,
    rows: &'a CheckedRows,
    directory: &'a Directory,
    /// Members whose row is taken.
    named: HashSet<&'a MemberId>,
    /// Members whose row is not: they count as present and stay as they are.
    rejected: HashSet<&'a MemberId>,
    /// Groups that are there after the sync.
    groups: HashSet<&'a GroupId>,
}

impl<'a> Taken<'a> {
    /// Takes what can be taken; what cannot is added to the rejections.
    pub(super) fn of(
        rows: &'a CheckedRows,
        directory: &'a Directory,
        email_domains: &[String],
        rejections: &mut Vec<Rejection>,
    ) -> Self {
        let mut taken = Self {
            people: rows.members.iter().collect(),
            rows,
            directory,
            named: HashSet::new(),
            rejected: rows.rejected_members.iter().collect(),
            groups: groups(rows, directory).collect(),
        };
        if !email_domains.is_empty() {
            taken.reject_foreign_addresses(email_domains, rejections);
        }
        taken.reject_taken_addresses(rejections);
        taken.named = taken.people.iter().map(|(id, ..)| id).collect();
        taken
    }

    /// Nobody comes in with an address of elsewhere; whoever has one already can still leave.
    fn reject_foreign_addresses(&mut self, domains: &[String], rejections: &mut Vec<Rejection>) {
        let foreign =
            |(_, identity, active): &&CheckedMember| *active && !domains.iter().any(|d| d == identity.email.domain());
        for (id, identity, _) in self.people.extract_if(.., |row| foreign(row)) {
            let (email, domains) = (&identity.email, domains.join(", "));
            let reason = format!("the address {email} is not of the organization's email domains: {domains}");
            rejections.push(Rejection { kind: "member", key: id.to_string(), reason });
            self.rejected.insert(id);
        }
    }

    fn reject_taken_addresses(&mut self, rejections: &mut Vec<Rejection>) {
        let leaves = |id: &MemberId| self.rows.mode == Mode::Full && !self.rejected.contains(id);
        let losers = emails::conflicting(self.directory, &self.people, leaves);
        if losers.is_empty() {
            return;
        }
        for (id, identity, _) in self.people.extract_if(.., |(id, ..)| losers.contains_key(id)) {
            let reason = format!("the address {} belongs to the active member {}", identity.email, losers[id]);
            rejections.push(Rejection { kind: "member", key: id.to_string(), reason });
            self.rejected.insert(id);
        }
    }

    /// Whether a member is there after the sync: known, in a FULL sync named by a row as well.
    pub(super) fn has_member(&self, id: &MemberId) -> bool {
        let known = || self.directory.members.contains_key(id);
        self.named.contains(id) || ((self.rows.mode == Mode::Delta || self.rejected.contains(id)) && known())
    }

    /// Whether a group is.
    pub(super) fn has_group(&self, id: &GroupId) -> bool {
        self.groups.contains(id)
    }
}

/// The groups that are there after the sync, in the same way. A row that is not taken brings none back.
fn groups<'a>(rows: &'a CheckedRows, directory: &'a Directory) -> impl Iterator<Item = &'a GroupId> {
    let stays = |id: &GroupId| rows.mode == Mode::Delta || rows.rejected_groups.contains(id);
    let known = directory.groups.iter().filter(move |(id, known)| known.present && stays(id));
    rows.groups.keys().chain(known.map(|(id, _)| id))
}
