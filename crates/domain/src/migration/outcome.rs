//! What the migration makes of one assignment.

use crate::{
    AssignmentId, UpdateMode,
    email_export::{EmailExport, State, Summary},
};

/// What the migration makes of one assignment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AssignmentOutcome {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its name.
    pub display_name: String,
    /// Its rank, from 1.
    pub rank: u32,
    /// Its update mode.
    pub update_mode: UpdateMode,
    /// The settings of its members, counted.
    pub summary: Summary,
    /// The state that is shown.
    pub state: State,
    /// The value that counts as chosen; `None` when the active members differ.
    pub chosen: Option<EmailExport>,
    /// Whether a tech admin has to choose a value.
    pub action_required: bool,
}
