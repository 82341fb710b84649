//! The rules of Rollcall: which assignment a member is in, what it gives, and what a change
//! does to whom. Pure: no clock, no database, no randomness; time and ids are arguments.
//!
//! Every change is planned in two steps. A *proposal* says what the list of assignments would
//! be and which members it concerns; with those members loaded it becomes a [`Plan`], a plain
//! value that the store writes, or a [`Refusal`] with its reason.

pub mod assignments;
pub mod catalog;
pub mod directory;
pub mod email;
pub mod email_export;
pub mod explain;
pub mod history;
pub mod ids;
pub mod lint;
pub mod members;
pub mod migration;
pub mod plan;
pub mod refusal;
pub mod resolution;
pub mod seats;
pub mod settings;
pub mod spreadsheet;

pub use assignments::{Assignment, AssignmentList, UpdateMode};
pub use email::Email;
pub use ids::{AssignmentId, GroupId, MemberId, OrganizationId};
pub use members::MemberState;
pub use plan::{Cause, Held, MemberChange, Plan};
pub use refusal::{Refusal, Violation};
pub use settings::{DataCapture, Settings, SettingsId};

/// A moment, in UTC with the microseconds that Postgres keeps.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Who decides about email export in an organization (product.md 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// The old settings page decides; assignments have no email export setting.
    Legacy,
    /// The assignments decide.
    Migrated,
}
