//! The content of an organization's folder.

use rollcall_domain::OrganizationId;
use serde::Deserialize;

/// An organization's directory, assignments and old settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrganizationFolder {
    /// The folder's name.
    pub(crate) organization: OrganizationId,
    pub(crate) members: Vec<FolderMember>,
    /// Each group once, in the order of first use in `groups.csv` and then in `assignments.json`.
    pub(crate) groups: Vec<String>,
    pub(crate) memberships: Vec<FolderMembership>,
    /// In evaluation order.
    pub(crate) assignments: Vec<FolderAssignment>,
    pub(crate) legacy_settings: Vec<FolderLegacySetting>,
}

/// A row of `members.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct FolderMember {
    pub(crate) member: String,
    pub(crate) email: String,
    pub(crate) given_name: String,
    pub(crate) family_name: String,
    pub(crate) job_title: String,
    pub(crate) manager_email: String,
    pub(crate) active: bool,
}

/// A row of `groups.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct FolderMembership {
    pub(crate) group: String,
    pub(crate) member: String,
}

/// An entry of `assignments.json`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderAssignment {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) update_mode: FolderUpdateMode,
    #[serde(default)]
    pub(crate) seats: Vec<String>,
}

/// The update mode of an assignment, as `assignments.json` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum FolderUpdateMode {
    ManualEditing,
    AutomaticUpdates,
}

/// A row of `legacy_email_export.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct FolderLegacySetting {
    pub(crate) email: String,
    pub(crate) export: bool,
}
