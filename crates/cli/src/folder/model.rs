//! The content of an organization's folder.

use rollcall_domain::OrganizationId;
use serde::Deserialize;

/// An organization's directory, assignments and old settings.
#[derive(Debug, PartialEq, Eq)]
pub struct OrganizationFolder {
    /// The folder's name.
    pub organization: OrganizationId,
    /// The rows of `members.csv`.
    pub members: Vec<FolderMember>,
    /// Each group once, in the order of first use in `groups.csv` and then in `assignments.json`.
    pub groups: Vec<String>,
    /// The rows of `groups.csv`.
    pub memberships: Vec<FolderMembership>,
    /// In evaluation order.
    pub assignments: Vec<FolderAssignment>,
    /// The rows of `legacy_email_export.csv`.
    pub legacy_settings: Vec<FolderLegacySetting>,
}

impl OrganizationFolder {
    /// Returns the organization's resource name, `organizations/{id}`.
    pub(crate) fn name(&self) -> String {
        format!("organizations/{}", self.organization)
    }
}

/// A row of `members.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct FolderMember {
    /// The id at the identity provider.
    pub member: String,
    /// The email address.
    pub email: String,
    /// The given name.
    pub given_name: String,
    /// The family name.
    pub family_name: String,
    /// The job title.
    pub job_title: String,
    /// The manager's email address, or empty text.
    pub manager_email: String,
    /// Whether the member is active.
    pub active: bool,
}

/// A row of `groups.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct FolderMembership {
    /// The group's id.
    pub group: String,
    /// The member's id.
    pub member: String,
}

/// An entry of `assignments.json`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FolderAssignment {
    /// The display name.
    pub name: String,
    /// The ids of the groups.
    pub groups: Vec<String>,
    /// The update mode.
    pub update_mode: FolderUpdateMode,
    /// The seat types.
    #[serde(default)]
    pub seats: Vec<String>,
}

/// The update mode of an assignment, as `assignments.json` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FolderUpdateMode {
    /// `MANUAL_EDITING`.
    ManualEditing,
    /// `AUTOMATIC_UPDATES`.
    AutomaticUpdates,
}

/// A row of `legacy_email_export.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub struct FolderLegacySetting {
    /// The email address.
    pub email: String,
    /// Whether emails are exported.
    pub export: bool,
}
