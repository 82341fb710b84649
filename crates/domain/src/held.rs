//! What a member has been given by an assignment, by hand or by the settings migration.

use crate::{
    AssignmentId, SettingsId,
    email_export::{EmailExport, MemberExport},
};

/// Everything that depends on a member's assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The stored assignment.
    pub assignment: AssignmentId,
    /// Seats, workspaces and data capture as given to the member.
    pub settings: SettingsId,
    /// The email export setting; `None` in phase LEGACY.
    pub export: Option<MemberExport>,
}

impl Held {
    /// The value of email export, without its start; `None` in phase LEGACY.
    #[must_use]
    pub fn export_value(&self) -> Option<EmailExport> {
        self.export.map(|export| export.setting.value())
    }
}
