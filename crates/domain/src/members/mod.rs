//! Members: what a plan has to know of a member, and the changes that tech admins make to members.

mod edit;
mod filter;
mod identity;
mod moves;

pub use edit::{EditMember, MemberEdit, MemberInput};
pub use filter::MemberFilter;
pub use identity::{IDENTITY_PATHS, IdentityInput, StoredIdentity, owned_by_identity_provider};
pub use moves::{MoveMembers, ReleaseMembers};

use crate::{AssignmentId, Held, MemberId, email_export::EmailExport};

/// What a plan has to know of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberState {
    /// The member.
    pub id: MemberId,
    /// Whether the member is active.
    pub active: bool,
    /// What the member has now; `None` for a new member.
    pub held: Option<Held>,
    /// The assignment that the member is pinned to.
    pub pin: Option<AssignmentId>,
    /// The ranks, in the list as it will be, of the assignments that have one of the member's groups. Empty when the
    /// change resolves no member again.
    pub matching_ranks: Vec<u32>,
}

impl MemberState {
    /// Whether the member's stored assignment is this one.
    #[must_use]
    pub fn is_in(&self, assignment: &AssignmentId) -> bool {
        self.held.as_ref().is_some_and(|held| held.assignment == *assignment)
    }

    /// The member's email export setting; `None` for a new member and in phase LEGACY.
    #[must_use]
    pub fn export(&self) -> Option<EmailExport> {
        self.held.as_ref()?.export_value()
    }
}
