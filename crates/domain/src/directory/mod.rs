//! Directory sync: people, groups and memberships from the identity provider (product.md 6).
//!
//! `rows` checks the rows on their own, `taken` finds which of them are taken beside what is stored, `emails` who gets
//! which address, `memberships` which of them change, `homes` who enters which assignment; `sync` puts a whole sync
//! together.

mod counts;
mod emails;
mod homes;
mod memberships;
pub mod rows;
mod sync;
mod taken;

use std::collections::{BTreeSet, HashMap};

pub use counts::SyncCounts;
pub use rows::{CheckedMember, CheckedRows, GroupRow, MemberRow, MembershipRow, RawRows};
pub use sync::{Context, GroupUpsert, MemberUpsert, SyncPlan, plan_sync};

use crate::{AssignmentId, Email, GroupId, Held, MemberId};

/// What a sync's rows are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// What is named changes.
    Delta,
    /// What is not named is gone.
    Full,
}

/// Who someone is, as the identity provider says.
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

/// A member as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownMember {
    /// Who they are.
    pub identity: Identity,
    /// Whether they are active.
    pub active: bool,
    /// What they have.
    pub held: Held,
    /// The assignment that they are pinned to.
    pub pin: Option<AssignmentId>,
    /// Whether an old setting is bound to them.
    pub has_legacy: bool,
}

/// A group as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownGroup {
    /// Its name.
    pub display_name: String,
    /// Whether the last full sync still had it.
    pub present: bool,
}

/// That a member is in a group.
pub type Membership = (MemberId, GroupId);

/// The groups of each member.
pub type Memberships = HashMap<MemberId, BTreeSet<GroupId>>;

/// What is stored, as far as a sync has to know: for a FULL one everything, for a DELTA one the
/// members it names, their memberships, and who holds the addresses it gives away.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    /// Members by id.
    pub members: HashMap<MemberId, KnownMember>,
    /// All groups.
    pub groups: HashMap<GroupId, KnownGroup>,
    /// The groups of the members above.
    pub memberships: Memberships,
    /// Old settings that wait for a member, for the addresses in the rows.
    pub waiting: HashMap<Email, bool>,
    /// Active members of the organization.
    pub active_members: u32,
}

/// A row that cannot be taken. What it names is left unchanged.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rejection {
    /// `member`, `group`, `membership` or `legacy_setting`.
    pub kind: &'static str,
    /// The row's key.
    pub key: String,
    /// Why, and what to do.
    pub reason: String,
}

impl Rejection {
    /// The rejection of a membership; its key is `group/member`.
    fn of_membership(group: &str, member: &str, reason: impl Into<String>) -> Self {
        Self { kind: "membership", key: format!("{group}/{member}"), reason: reason.into() }
    }
}

/// A sync that deactivates or re-homes more members than both numbers is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MassChangeLimit {
    /// This many members.
    pub members: u32,
    /// This share of the active members, in percent.
    pub percent: u32,
}

impl Default for MassChangeLimit {
    fn default() -> Self {
        Self { members: 50, percent: 10 }
    }
}

impl MassChangeLimit {
    /// Whether `touched` members are too many in an organization with `active` ones.
    #[must_use]
    pub fn is_exceeded(self, touched: u32, active: u32) -> bool {
        touched > self.members && u64::from(touched) * 100 > u64::from(self.percent) * u64::from(active)
    }
}
