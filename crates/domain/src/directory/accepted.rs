//! The rows that are accepted beside what is stored and what the organization allows, and therefore the members and
//! groups that exist after the sync.

use std::collections::HashSet;

use super::{Directory, Identity, ParsedMember, ParsedRows, Rejection, SyncMode, emails};
use crate::{GroupId, MemberId, Violation};

/// The accepted rows of a sync.
pub(super) struct AcceptedRows<'a> {
    /// People in the order they came.
    pub(super) people: Vec<&'a ParsedMember>,
    rows: &'a ParsedRows,
    directory: &'a Directory,
    /// Members whose row is accepted.
    named: HashSet<&'a MemberId>,
    /// Members whose row is rejected. They count as present and stay as they are.
    rejected: HashSet<&'a MemberId>,
    /// Groups that exist after the sync.
    groups: HashSet<&'a GroupId>,
}

impl<'a> AcceptedRows<'a> {
    /// Accepts the rows that can be accepted, and adds the others to the rejections.
    pub(super) fn of(
        rows: &'a ParsedRows,
        directory: &'a Directory,
        email_domains: &[String],
        rejections: &mut Vec<Rejection>,
    ) -> Self {
        let mut accepted = Self {
            people: rows.members.iter().collect(),
            rows,
            directory,
            named: HashSet::new(),
            rejected: rows.rejected_members.iter().collect(),
            groups: groups(rows, directory).collect(),
        };
        accepted.reject_malformed_addresses(rejections);
        if !email_domains.is_empty() {
            accepted.reject_foreign_addresses(email_domains, rejections);
        }
        accepted.reject_taken_addresses(rejections);
        accepted.named = accepted.people.iter().map(|(id, ..)| id).collect();
        accepted
    }

    /// Rejects members with a malformed address, of their own or of the manager. A member who has such an address
    /// already keeps it, so that the rest of the row, above all the status, is still accepted.
    fn reject_malformed_addresses(&mut self, rejections: &mut Vec<Rejection>) {
        self.people.retain(|(id, identity, _)| {
            let known = self.directory.members.get(id).map(|known| &known.identity);
            let Err(violation) = check_new_addresses(identity, known) else { return true };
            rejections.push(Rejection { kind: "member", key: id.to_string(), reason: violation.description });
            self.rejected.insert(id);
            false
        });
    }

    /// Rejects active members with an address outside the organization's domains. A member who has such an address
    /// already can still become inactive.
    fn reject_foreign_addresses(&mut self, domains: &[String], rejections: &mut Vec<Rejection>) {
        let foreign =
            |(_, identity, active): &&ParsedMember| *active && !domains.iter().any(|d| d == identity.email.domain());
        for (id, identity, _) in self.people.extract_if(.., |row| foreign(row)) {
            let (email, domains) = (&identity.email, domains.join(", "));
            let reason = format!("the address {email} is not of the organization's email domains: {domains}");
            rejections.push(Rejection { kind: "member", key: id.to_string(), reason });
            self.rejected.insert(id);
        }
    }

    fn reject_taken_addresses(&mut self, rejections: &mut Vec<Rejection>) {
        let leaves = |id: &MemberId| self.rows.mode == SyncMode::Full && !self.rejected.contains(id);
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

    /// Whether a member exists after the sync. In a FULL sync, a known member must be named by a row.
    pub(super) fn has_member(&self, id: &MemberId) -> bool {
        let known = || self.directory.members.contains_key(id);
        self.named.contains(id) || ((self.rows.mode == SyncMode::Delta || self.rejected.contains(id)) && known())
    }

    /// Whether a group exists after the sync.
    pub(super) fn has_group(&self, id: &GroupId) -> bool {
        self.groups.contains(id)
    }
}

/// Checks the addresses of a row that the member does not have yet.
fn check_new_addresses(row: &Identity, known: Option<&Identity>) -> Result<(), Violation> {
    if known.is_none_or(|known| known.email != row.email) {
        row.email.check()?;
    }
    match &row.manager_email {
        Some(email) if known.is_none_or(|known| known.manager_email != row.manager_email) => email.check(),
        _ => Ok(()),
    }
}

/// The groups that exist after the sync. A row that is not accepted brings no group back.
fn groups<'a>(rows: &'a ParsedRows, directory: &'a Directory) -> impl Iterator<Item = &'a GroupId> {
    let stays = |id: &GroupId| rows.mode == SyncMode::Delta || rows.rejected_groups.contains(id);
    let known = directory.groups.iter().filter(move |(id, known)| known.present && stays(id));
    rows.groups.keys().chain(known.map(|(id, _)| id))
}
