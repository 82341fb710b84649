//! A naive, independent model of product.md, sections 2 to 7. It is written from that page, uses no
//! code of the domain crate, consists of plain maps and loops, and recomputes everything at every
//! change. If the model and the service disagree, one of them violates the page.
//!
//! [`Model::apply_event`] applies an audit event, so that a replay of the audit can be compared with
//! the stored rows. [`Model::apply_request`] applies an API request, so that responses can be
//! compared. The model does not cover malformed requests.

mod assignments;
mod catalog;
mod directory;
mod events;
mod field_mask;
mod members;
mod migration;
mod preview;
mod requests;
mod resolution;
mod resources;
mod seats;
mod stored;
mod stored_values;
mod sync_rows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use assignments::ModelAssignmentEdit;
use directory::{DirectoryChanges, ModelMemberRow};
pub(crate) use preview::expected_preview;
pub(crate) use requests::AppliedRequest;
use resolution::ExportState;
pub(crate) use resources::without_defaults;
use seats::PendingQueue;
pub(crate) use stored::StoredOrganization;

/// The id of the default assignment, which is always the last one (2.3).
pub(crate) const DEFAULT: &str = "default";

/// The reason of a refusal: an `ErrorReason` of the contract without its prefix.
pub(crate) type RefusalReason = String;

/// One organization.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Model {
    /// True in phase `MIGRATED`, false in phase `LEGACY` (7.1).
    pub(crate) migrated: bool,
    /// The ordered list. The default assignment is the last one.
    pub(crate) assignments: Vec<ModelAssignment>,
    /// Members by id.
    pub(crate) members: BTreeMap<String, ModelMember>,
    /// For each address, who began to hold it and when, in microseconds, in order (4.10).
    pub(crate) holdings: BTreeMap<String, Vec<(i64, String)>>,
    /// Every group that was ever synced, and whether it is present.
    pub(crate) groups: BTreeMap<String, bool>,
    /// Legacy settings that match no member yet, by address (7.3).
    pub(crate) unmatched_settings: BTreeMap<String, bool>,
    /// The id. It is empty in a replay, which does not compare names.
    pub(crate) id: String,
    /// The display name.
    pub(crate) display_name: String,
    /// The mass change limit: a number of members, and a percentage of the active members (6).
    pub(crate) mass_change_limit: (usize, usize),
    /// The domains that an address may have. Empty means any domain.
    pub(crate) email_domains: Vec<String>,
    /// The display names of groups, by id.
    pub(crate) group_names: BTreeMap<String, String>,
    /// The catalog, as the API represents it.
    pub(crate) catalog: Value,
    /// The queue of pending seats, by seat type (6).
    pub(crate) pending: BTreeMap<String, PendingQueue>,
    /// The state of the migration, as the contract names it. `None` if created in phase `MIGRATED` (7).
    pub(crate) migration: Option<&'static str>,
    /// Whether a value was chosen on an assignment after the migration (7.6).
    pub(crate) chosen_after_migration: bool,
}

/// An assignment. Its rank is its position in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelAssignment {
    /// Its id.
    pub(crate) id: String,
    /// The display name.
    pub(crate) display_name: String,
    /// The ids of the groups that the assignment matches.
    pub(crate) groups: BTreeSet<String>,
    /// True for automatic updates, false for manual editing.
    pub(crate) automatic: bool,
    /// Seats, workspaces and data capture.
    pub(crate) settings: Value,
    /// The chosen email export value: true for `EXPORT`.
    pub(crate) chosen: Option<bool>,
}

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelMember {
    /// The email, names, title and manager from the identity provider.
    pub(crate) identity: Value,
    /// Whether the member is active.
    pub(crate) active: bool,
    /// The ids of the member's groups.
    pub(crate) groups: BTreeSet<String>,
    /// The id of the stored assignment.
    pub(crate) assignment: String,
    /// The pin, if the member was moved by hand.
    pub(crate) pin: Option<ModelPin>,
    /// Seats, workspaces and data capture.
    pub(crate) settings: Value,
    /// The email export setting. `None` in phase `LEGACY`.
    pub(crate) export: Option<ModelExport>,
    /// The setting of the old settings page.
    pub(crate) legacy_setting: Option<bool>,
}

/// A pin: keeps a member in an assignment (5).
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelPin {
    /// The id of the assignment.
    pub(crate) assignment: String,
    /// The caller who moved the member.
    pub(crate) actor: String,
    /// The reason that the caller gave.
    pub(crate) reason: String,
    /// The time of the move, in microseconds.
    pub(crate) at: i64,
}

/// A member's email export setting.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelExport {
    /// True for `EXPORT`, false for `DO_NOT_EXPORT`.
    pub(crate) exports: bool,
    /// The start of the current period of `EXPORT`. `None` for `DO_NOT_EXPORT`.
    pub(crate) since: Option<ExportStart>,
    /// The source of the setting, as the contract names it.
    pub(crate) source: &'static str,
}

/// The start of a period of `EXPORT` (4.7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum ExportStart {
    /// The migration carried the setting over.
    Always,
    /// The time of the change, in microseconds.
    At(i64),
}

impl Model {
    /// A new organization: no members, and only the default assignment (2.3).
    pub(crate) fn new(migrated: bool) -> Self {
        let default = ModelAssignment {
            id: DEFAULT.to_owned(),
            display_name: "Default".to_owned(),
            groups: BTreeSet::new(),
            automatic: false,
            settings: empty_settings(),
            chosen: migrated.then_some(false),
        };
        Self {
            migrated,
            assignments: vec![default],
            members: BTreeMap::new(),
            holdings: BTreeMap::new(),
            groups: BTreeMap::new(),
            unmatched_settings: BTreeMap::new(),
            id: String::new(),
            display_name: String::new(),
            mass_change_limit: (50, 10),
            email_domains: Vec::new(),
            group_names: BTreeMap::new(),
            catalog: Value::Null,
            pending: BTreeMap::new(),
            migration: (!migrated).then_some("PENDING"),
            chosen_after_migration: false,
        }
    }

    /// Returns the assignment with an id.
    pub(crate) fn find_assignment(&self, id: &str) -> Option<&ModelAssignment> {
        self.assignments.iter().find(|assignment| assignment.id == id)
    }

    /// Returns the ids of an assignment's members.
    pub(crate) fn member_ids_of(&self, id: &str) -> BTreeSet<String> {
        self.members.iter().filter(|(_, member)| member.assignment == id).map(|(id, _)| id.clone()).collect()
    }

    fn assignment_mut(&mut self, id: &str) -> Result<&mut ModelAssignment, RefusalReason> {
        let found = self.assignments.iter_mut().find(|assignment| assignment.id == id);
        found.ok_or_else(|| "ASSIGNMENT_NOT_FOUND".to_owned())
    }

    fn require_members<'a>(&self, mut ids: impl Iterator<Item = &'a String>) -> Result<(), RefusalReason> {
        match ids.all(|id| self.members.contains_key(id)) {
            true => Ok(()),
            false => Err("MEMBER_NOT_FOUND".to_owned()),
        }
    }
}

impl ModelMember {
    fn email(&self) -> &str {
        self.identity["email"].as_str().unwrap_or_default()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn empty_settings() -> Value {
    json!({
        "seats": [],
        "home_workspace": null,
        "permissions": {},
        "data_capture": {
            "web_conferences_recorded": false,
            "prevent_web_conference_recording": false,
            "telephony_calls_imported": false,
            "emails_imported": false,
            "prevent_email_import": false,
            "non_recorded_meetings_imported": false,
            "gong_connect_enabled": false,
        },
    })
}
