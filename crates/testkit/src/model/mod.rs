//! A second model of product.md 2 to 7, naive on purpose: written from that page and with nothing
//! of the domain's code, in plain maps and loops, working everything out again at every change.
//! Where it and the service disagree, one of them misreads the page.
//!
//! [`Model::apply`] takes events of the audit, so that a replay of them can be compared with what
//! is stored; [`Model::make`] takes requests of the API, so that its answers can be compared, too.
//! What a caller can get wrong in the form of a request is not modelled.

mod answers;
mod asked;
mod assignments;
mod catalog;
mod directory;
mod event;
mod members;
mod migration;
mod preview;
mod resolve;
mod rows;
mod seats;
mod shown;
mod stored;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

pub use answers::pruned;
pub use asked::Made;
pub use assignments::AssignmentEdit;
pub use directory::{DirectoryRow, Sync};
pub use preview::preview;
pub use resolve::State;
pub use seats::Queue;
pub use serde_json::Value;
pub use stored::Stored;

/// The id of the assignment that is always last (2.3).
pub const DEFAULT: &str = "default";

/// Why a change is not allowed, by the word in the contract.
pub type Refused = String;

/// One organization.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Whether the assignments decide about email export; if not, the old settings do (7.1).
    pub migrated: bool,
    /// The ordered list; the default assignment is the last.
    pub assignments: Vec<Assignment>,
    /// Members by id.
    pub members: BTreeMap<String, Member>,
    /// Whether each group that was ever seen is present.
    pub groups: BTreeMap<String, bool>,
    /// Old settings that wait for a member, by address (7.3).
    pub waiting: BTreeMap<String, bool>,
    /// Its id; empty where nobody asks for names.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// The limits of a sync: members, and percent of them (6).
    pub mass_change_limit: (usize, usize),
    /// The domains that addresses are of; empty for any.
    pub email_domains: Vec<String>,
    /// The names of groups.
    pub group_names: BTreeMap<String, String>,
    /// What settings can choose from, as the API has it.
    pub catalog: Value,
    /// Who waits for a seat of which there are only so many, by seat type (6).
    pub pending: BTreeMap<String, Queue>,
    /// How far its migration is, by the word in the contract; none where it was created migrated (7).
    pub migration: Option<&'static str>,
    /// Whether a value was chosen on an assignment since the migration (7.6).
    pub chosen_since: bool,
}

/// An assignment. Its rank is its place in the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// Its id.
    pub id: String,
    /// As people write it.
    pub display_name: String,
    /// Whose members match.
    pub groups: BTreeSet<String>,
    /// Automatic updates, or else manual editing.
    pub automatic: bool,
    /// Seats, workspaces and data capture, which the rules never look into.
    pub settings: Value,
    /// The chosen value of email export, whether it is `EXPORT`.
    pub chosen: Option<bool>,
}

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The email, names, title and manager, as the identity provider has them.
    pub identity: Value,
    /// Whether active.
    pub active: bool,
    /// The groups.
    pub groups: BTreeSet<String>,
    /// The stored assignment.
    pub assignment: String,
    /// What holds the member there.
    pub pin: Option<Pin>,
    /// Seats, workspaces and data capture as given.
    pub settings: Value,
    /// The email export setting; absent while the old settings decide.
    pub export: Option<Export>,
    /// The old setting.
    pub legacy: Option<bool>,
}

/// Holds a member in an assignment (5).
#[derive(Clone, Debug, PartialEq)]
pub struct Pin {
    /// Where.
    pub assignment: String,
    /// Who moved the member.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When, in microseconds.
    pub at: i64,
}

/// A member's email export setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// `EXPORT`, or else `DO_NOT_EXPORT`.
    pub exports: bool,
    /// The start of the current period of `EXPORT`; absent outside of one.
    pub since: Option<Since>,
    /// Where the setting came from.
    pub source: &'static str,
}

/// The start of a period of `EXPORT` (4.7).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Since {
    /// Carried over by the migration.
    Always,
    /// The moment of a change, in microseconds.
    At(i64),
}

impl Model {
    /// An organization as it is created: nobody, and the default assignment (2.3).
    #[must_use]
    pub fn new(migrated: bool) -> Self {
        let default = Assignment {
            id: DEFAULT.to_owned(),
            display_name: "Default".to_owned(),
            groups: BTreeSet::new(),
            automatic: false,
            settings: no_settings(),
            chosen: migrated.then_some(false),
        };
        Self {
            migrated,
            assignments: vec![default],
            members: BTreeMap::new(),
            groups: BTreeMap::new(),
            waiting: BTreeMap::new(),
            id: String::new(),
            display_name: String::new(),
            mass_change_limit: (50, 10),
            email_domains: Vec::new(),
            group_names: BTreeMap::new(),
            catalog: Value::Null,
            pending: BTreeMap::new(),
            migration: (!migrated).then_some("PENDING"),
            chosen_since: false,
        }
    }

    /// An assignment by id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Assignment> {
        self.assignments.iter().find(|assignment| assignment.id == id)
    }

    /// The ids of an assignment's members.
    #[must_use]
    pub fn members_of(&self, id: &str) -> BTreeSet<String> {
        self.members.iter().filter(|(_, member)| member.assignment == id).map(|(id, _)| id.clone()).collect()
    }

    fn find_mut(&mut self, id: &str) -> Result<&mut Assignment, Refused> {
        let found = self.assignments.iter_mut().find(|assignment| assignment.id == id);
        found.ok_or_else(|| "ASSIGNMENT_NOT_FOUND".to_owned())
    }

    fn require_members<'a>(&self, mut ids: impl Iterator<Item = &'a String>) -> Result<(), Refused> {
        match ids.all(|id| self.members.contains_key(id)) {
            true => Ok(()),
            false => Err("MEMBER_NOT_FOUND".to_owned()),
        }
    }
}

impl Member {
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

fn no_settings() -> Value {
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
