//! Why a migration cannot be rolled back any more (product.md 7.6).

use std::fmt;

use crate::AssignmentId;

/// Why a migration cannot be rolled back any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackObstacle {
    /// The organization was created in phase MIGRATED.
    CreatedMigrated,
    /// A value was chosen after the migration, on this assignment first.
    Chosen(AssignmentId),
    /// The setting or the answer of this many members would change.
    Members(u32),
}

impl RollbackObstacle {
    /// Returns the value that the message mentions, with its key.
    pub(crate) fn metadata(&self) -> Option<(&'static str, String)> {
        match self {
            Self::CreatedMigrated => None,
            Self::Chosen(assignment) => Some(("assignment", assignment.to_string())),
            Self::Members(members) => Some(("members", members.to_string())),
        }
    }
}

impl fmt::Display for RollbackObstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instead = "change its assignments and members instead";
        match self {
            Self::CreatedMigrated => {
                write!(f, "the organization was created migrated and has no old settings; {instead}")
            }
            Self::Chosen(assignment) => {
                write!(f, "a value was chosen on the assignment `{assignment}` after the migration; {instead}")
            }
            Self::Members(members) => {
                write!(f, "the rollback would change the email export of {members} members; {instead}")
            }
        }
    }
}
