//! What stands in the way of rolling a migration back (product.md 7.6).

use std::fmt;

use crate::AssignmentId;

/// What stands in the way of rolling a migration back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RollbackObstacle {
    /// The organization was created migrated.
    CreatedMigrated,
    /// A value was chosen since, here first.
    Chosen(AssignmentId),
    /// The setting or the answer of so many members would change.
    Members(u32),
}

impl RollbackObstacle {
    /// Every value that it mentions, by its key.
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
            Self::CreatedMigrated => write!(f, "it was created migrated, so there are no old settings to go back to"),
            Self::Chosen(assignment) => {
                write!(f, "a value was chosen on the assignment `{assignment}` since; {instead}")
            }
            Self::Members(members) => write!(f, "it would change the email export of {members} members; {instead}"),
        }
    }
}
