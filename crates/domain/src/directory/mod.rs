//! Directory sync: people, groups and memberships from the identity provider (product.md 6).
//!
//! `rows` parses the rows on their own, and `agreeing` finds those that contradict each other. `accepted` finds the rows
//! that are accepted beside what is stored, and `emails` which member gets which address. `memberships` finds the
//! memberships that change, and `rehoming` the members who enter another assignment. `sync` plans a whole sync.

mod accepted;
mod agreeing;
mod changes;
mod counts;
mod emails;
mod limit;
mod memberships;
mod rehoming;
pub mod rows;
mod sync;

use std::collections::{BTreeSet, HashMap};

pub use changes::{DirectoryChanges, GroupUpsert, MemberUpsert, SyncCounts};
pub use limit::MassChangeLimit;
pub use rows::{ParsedMember, ParsedRows, RawGroup, RawMember, RawMembership, RawRows, RowParser};
pub use sync::SyncDirectory;

use crate::{AssignmentId, Email, GroupId, Held, MemberId, Violation};

/// How a sync treats what its rows do not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SyncMode {
    /// Only what the rows name changes.
    Delta,
    /// Whatever the rows do not name is gone.
    Full,
}

/// The identity fields of a member, which belong to the identity provider.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Identity {
    /// Unique among active members.
    pub email: Email,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title.
    pub job_title: String,
    /// The manager's address.
    pub manager_email: Option<Email>,
}

/// A member as stored, before the sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMember {
    /// The identity fields.
    pub identity: Identity,
    /// Whether the member is active.
    pub active: bool,
    /// What the member has.
    pub held: Held,
    /// The assignment that the member is pinned to.
    pub pin: Option<AssignmentId>,
    /// Whether an old setting is bound to the member.
    pub has_legacy: bool,
}

/// A group as stored, before the sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    /// The name that the identity provider shows.
    pub display_name: String,
    /// Whether the group is still in the directory.
    pub present: bool,
}

/// A membership: a member, and a group that the member is in.
pub type Membership = (MemberId, GroupId);

/// The groups of each member.
pub type Memberships = HashMap<MemberId, BTreeSet<GroupId>>;

/// A row that is not accepted. What the row names stays unchanged.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rejection {
    /// `member`, `group`, `membership` or `legacy_setting`.
    pub kind: &'static str,
    /// The row's key.
    pub key: String,
    /// Why the row is not accepted, and what to do.
    pub reason: String,
}

impl Rejection {
    fn of(kind: &'static str, key: String, violation: Violation) -> Self {
        Self { kind, key, reason: violation.description }
    }

    /// The rejection of a membership; its key is `group/member`.
    fn of_membership(group: &str, member: &str, reason: impl Into<String>) -> Self {
        Self { kind: "membership", key: format!("{group}/{member}"), reason: reason.into() }
    }
}

/// The part of the stored directory that a sync needs: for a FULL sync everything; for a DELTA sync the members that it
/// names, their memberships, and the active members who hold an address that the sync gives to another member.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Members by id.
    pub members: HashMap<MemberId, KnownMember>,
    /// Groups by id: for a FULL sync all of them, for a DELTA sync those that its rows name.
    pub groups: HashMap<GroupId, KnownGroup>,
    /// The groups of the members above.
    pub memberships: Memberships,
    /// Old settings that are bound to no member yet, for the addresses in the rows.
    pub unmatched: HashMap<Email, bool>,
    /// How many active members the organization has. They may be counted up to
    /// [`MassChangeLimit::active_members_to_count`] of the members above only.
    pub active_members: u32,
}
