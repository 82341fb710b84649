//! An organization as a folder of files. `crates/rollcall/sample/acme/README.md` describes the format.

#[cfg(test)]
mod fuzz;
mod read;
mod sample;

use std::{fs, path::Path};

use rollcall_domain::OrganizationId;
use serde::Deserialize;

use crate::error::{Error, Result};

/// An organization's directory, assignments and old settings.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) organization: OrganizationId,
    pub(crate) members: Vec<Member>,
    /// In the order in which they are named, each once.
    pub(crate) groups: Vec<String>,
    pub(crate) memberships: Vec<Membership>,
    /// In evaluation order.
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) legacy_settings: Vec<LegacySetting>,
}

/// A row of `members.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Member {
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
pub(crate) struct Membership {
    pub(crate) group: String,
    pub(crate) member: String,
}

/// An entry of `assignments.json`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) groups: Vec<String>,
    pub(crate) update_mode: UpdateMode,
    #[serde(default)]
    pub(crate) seats: Vec<String>,
}

/// Whether members follow their assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum UpdateMode {
    ManualEditing,
    AutomaticUpdates,
}

/// A row of `legacy_email_export.csv`.
#[derive(Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct LegacySetting {
    pub(crate) email: String,
    pub(crate) export: bool,
}

impl Folder {
    /// Reads a folder, whose name is the organization's id.
    ///
    /// # Errors
    /// A folder or a file that cannot be read, or a line that makes no sense; the message names it.
    pub(crate) fn read(dir: &Path) -> Result<Self> {
        let shown = dir.display();
        let dir = fs::canonicalize(dir).map_err(Error::doing(format!("cannot read the folder {shown}")))?;
        let name = dir.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let organization = OrganizationId::parse(&name).map_err(|violation| {
            Error::failed(format!(
                "the folder's name is the organization's id, and {} cannot be one: {}",
                dir.display(),
                violation.description
            ))
        })?;
        read::folder(organization, |file| {
            fs::read(dir.join(file)).map_err(Error::doing(format!("cannot read {}", dir.join(file).display())))
        })
    }
}
