//! What a sync changes in the directory, as a plain value.

use std::sync::Arc;

use super::{Identity, Membership, Rejection};
use crate::{Email, GroupId, MemberId};

/// The people, groups and memberships that a sync changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirectoryChanges {
    /// Members to be inserted or updated.
    pub members: Vec<MemberUpsert>,
    /// Groups to be inserted or updated.
    pub groups: Vec<GroupUpsert>,
    /// Memberships to be added, sorted.
    pub added: Vec<Membership>,
    /// Memberships to be removed, sorted.
    pub removed: Vec<Membership>,
    /// Old settings that are bound to a member (product.md 7.3).
    pub bindings: Vec<(MemberId, Email, bool)>,
    /// The addresses that members begin to hold, in byte order (product.md 4.10).
    pub holdings: Vec<(Email, MemberId)>,
    /// How many rows of each kind change something.
    pub counts: SyncCounts,
    /// Rows that are not accepted. They change nothing.
    pub rejected: Vec<Rejection>,
}

impl DirectoryChanges {
    /// Whether nothing would be written: then there is no revision either (product.md 6).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let people = self.members.is_empty() && self.bindings.is_empty();
        people && self.groups.is_empty() && self.added.is_empty() && self.removed.is_empty()
    }
}

/// A member whose identity or activation is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberUpsert {
    /// The member.
    pub id: MemberId,
    /// The identity fields, shared with the row of the sync.
    pub identity: Arc<Identity>,
    /// Whether the member is active.
    pub active: bool,
    /// Whether the member is seen for the first time.
    pub is_new: bool,
}

/// A group that is new, renamed, absent or present again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupUpsert {
    /// The group.
    pub id: GroupId,
    /// The name that the identity provider shows.
    pub display_name: String,
    /// Whether the group is in the directory.
    pub present: bool,
}

/// What a sync changes. Rows that change nothing are in no count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct SyncCounts {
    /// Members seen for the first time.
    pub members_created: u32,
    /// Members whose identity changed, activation aside.
    pub members_updated: u32,
    /// Members who became inactive.
    pub members_deactivated: u32,
    /// Members who became active again.
    pub members_reactivated: u32,
    /// Groups that are new, renamed, gone or back.
    pub groups_changed: u32,
    /// Memberships that are new.
    pub memberships_added: u32,
    /// Memberships that are gone.
    pub memberships_removed: u32,
    /// Members of before whose assignment changed.
    pub members_rehomed: u32,
}
