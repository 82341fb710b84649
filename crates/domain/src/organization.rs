//! An organization: its own fields, and how an update changes them.

use uuid::Uuid;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::{
    FieldSelection, OrganizationId, Refusal, Timestamp, Violation, catalog::Catalog, directory::MassChangeLimit,
};

/// Whether the old settings or the assignments decide about email export (product.md 7.1). An organization that is created without a phase
/// is migrated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// The old settings page decides; assignments have no email export setting.
    Legacy,
    /// The assignments decide.
    #[default]
    Migrated,
}

crate::words!(Phase);

/// An organization as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id, which is part of every resource name.
    pub id: OrganizationId,
    /// Its unique id, which is never used again.
    pub uid: Uuid,
    /// Its name, as people write it.
    pub display_name: String,
    /// Whether the old settings or the assignments decide about email export.
    pub phase: Phase,
    /// How many members one sync may deactivate or re-home.
    pub mass_change_limit: MassChangeLimit,
    /// The seat types and workspaces that assignments can choose from.
    pub catalog: Catalog,
    /// The revision that last changed the catalog.
    pub catalog_revision: i64,
    /// The newest revision.
    pub revision: i64,
    /// The revision that last changed the organization's own fields.
    pub updated_revision: i64,
    /// When it was last written.
    pub last_write_at: Timestamp,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its own fields last changed.
    pub updated_at: Timestamp,
    /// The domains that its members' email addresses may have, in lower case; empty for any.
    pub email_domains: Vec<String>,
    /// The wave of the settings migration that it belongs to.
    pub wave: u32,
}

impl Organization {
    /// The display name of an organization that is given `name`: its id where the name is empty.
    #[must_use]
    pub fn display_name_or_id(id: &OrganizationId, name: &str) -> String {
        if name.is_empty() { id.to_string() } else { name.to_owned() }
    }
}

/// The fields of an organization in a request. An absent or empty value is one that the request does not give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrganizationInput {
    /// The name; an update that selects an empty one sets it to the id.
    pub display_name: String,
    /// The phase.
    pub phase: Option<Phase>,
    /// How many members one sync may deactivate or re-home.
    pub mass_change_limit: Option<MassChangeLimit>,
    /// The domains of email addresses, in lower case.
    pub email_domains: Vec<String>,
    /// The wave of the settings migration.
    pub wave: u32,
}

impl OrganizationInput {
    /// The paths that an update mask may name.
    pub const PATHS: [&str; 6] = [
        "display_name",
        "mass_change_limit",
        "mass_change_limit.members",
        "mass_change_limit.percent",
        "email_domains",
        "wave",
    ];

    /// The violation of an update mask that names `path`, where there is a better answer than "unknown field".
    #[must_use]
    pub fn refuse_path(path: &str) -> Option<Violation> {
        (path == "phase").then(|| phase_is_fixed("update_mask"))
    }

    /// The organization after an update that selects some of these fields.
    ///
    /// # Errors
    /// A violation when the update is for the whole organization and gives another phase: only the settings migration
    /// changes the phase. A phase beside an update mask is not selected, and so ignored.
    pub fn updated(&self, before: &Organization, selection: &FieldSelection) -> Result<Organization, Refusal> {
        let keeps_phase = self.phase.is_none_or(|phase| phase == before.phase);
        if selection.covers_everything() && !keeps_phase {
            return Err(Refusal::violation(phase_is_fixed("organization.phase")));
        }
        let mut after = before.clone();
        if selection.selects("display_name", !self.display_name.is_empty()) {
            after.display_name = Organization::display_name_or_id(&before.id, &self.display_name);
        }
        let limit = self.mass_change_limit.unwrap_or_default();
        let whole_limit = selection.names("mass_change_limit");
        if whole_limit || selection.names("mass_change_limit.members") {
            after.mass_change_limit.members = limit.members;
        }
        if whole_limit || selection.names("mass_change_limit.percent") {
            after.mass_change_limit.percent = limit.percent;
        }
        if selection.selects("email_domains", !self.email_domains.is_empty()) {
            after.email_domains.clone_from(&self.email_domains);
        }
        if selection.selects("wave", self.wave != 0) {
            after.wave = self.wave;
        }
        Ok(after)
    }
}

fn phase_is_fixed(field: &str) -> Violation {
    Violation::invalid(field, "only the settings migration changes the phase; leave the phase out")
}
