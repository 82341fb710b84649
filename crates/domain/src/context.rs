//! What a change is planned with: the organization as it stands, and what is loaded of the members that the change
//! concerns.

use std::collections::{BTreeSet, HashMap};

use crate::{
    AssignmentId, AssignmentList, GroupId, MemberId, MemberState, Organization, Phase, Refusal,
    assignments::Overtaken,
    directory::{Directory, ParsedRows},
    email_export::{EmailExport, State},
};

/// The organization as it stands while its lock is held.
#[derive(Clone, Copy, Debug)]
pub struct Current<'a> {
    /// The organization.
    pub organization: &'a Organization,
    /// Its assignments, in evaluation order.
    pub list: &'a AssignmentList,
}

impl Current<'_> {
    /// Refuses a given value of email export while the old settings decide (product.md 7.2).
    pub(crate) fn refuse_email_export_in_legacy(&self, given: Option<EmailExport>) -> Result<(), Refusal> {
        match (self.organization.phase, given) {
            (Phase::Legacy, Some(_)) => Err(Refusal::EmailExportNotMigrated(self.organization.id.clone())),
            _ => Ok(()),
        }
    }
}

/// The members that a change can touch. No other member has to be loaded.
#[derive(Clone, Copy, Debug)]
pub enum Scope<'a> {
    /// No member.
    NoMember,
    /// The members of an assignment, and the members of groups.
    Affected {
        /// All members of this assignment.
        of_assignment: Option<&'a AssignmentId>,
        /// All members who have one of these groups.
        in_groups: &'a BTreeSet<GroupId>,
        /// Whether the change resolves them again. If not, their matching ranks need not be loaded.
        resolves: bool,
    },
    /// The members whom a new order can move.
    Overtaken(&'a Overtaken),
    /// This member, who is loaded already.
    Loaded(&'a MemberState),
    /// These members, with their matching ranks. All of them must exist.
    Named(&'a [MemberId]),
    /// The part of the directory that a sync's rows concern.
    Directory(&'a ParsedRows),
}

/// What is loaded for the scope of a change.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The members in the scope, with the ranks that match them in the list as it would be.
    pub members: Vec<MemberState>,
    /// For each assignment without a chosen value: what its active members have before the change.
    pub states: HashMap<AssignmentId, State>,
    /// What is stored of the directory, for a sync.
    pub directory: Directory,
}
