//! The rules of Rollcall: which assignment a member is in, what the assignment gives to the member, and what each change
//! does. This crate is pure: it has no clock, no database and no randomness. Time and ids are arguments.
//!
//! Every change is planned in two steps. A [`Proposal`] is a change that is checked against the organization as it
//! stands; its [`Scope`] says which members the change can touch. Once these members are loaded, the proposal becomes a
//! [`Plan`], a plain value that the store writes. Either step can end in a [`Refusal`] instead.

pub mod assignments;
pub mod catalog;
mod context;
pub mod counted;
pub mod directory;
pub mod email;
pub mod email_export;
pub mod explain;
mod grant;
mod held;
pub mod history;
pub mod ids;
pub mod lint;
pub mod members;
pub mod migration;
pub mod names;
pub mod organization;
pub mod plan;
mod proposal;
pub mod refusal;
pub mod resolution;
pub mod seats;
mod selection;
pub mod self_check;
pub mod settings;
pub mod spreadsheet;
mod violation;

pub use assignments::{Assignment, AssignmentList, UpdateMode};
pub use context::{Current, Facts, Scope};
pub use email::Email;
pub use held::Held;
pub use ids::{AssignmentId, GroupId, MemberId, OrganizationId};
pub use members::MemberState;
pub use organization::{Organization, Phase};
pub use plan::{Cause, MemberChange, Plan};
pub use proposal::Proposal;
pub use refusal::Refusal;
pub use selection::FieldSelection;
pub use settings::{DataCapture, Settings, SettingsId};
pub use violation::{Violation, ViolationKind};

/// A moment, in UTC with the microseconds that Postgres keeps.
pub type Timestamp = chrono::DateTime<chrono::Utc>;

/// Gives enums the method `as_str`.
macro_rules! words {
    ($($name:ty),+) => {
        $(impl $name {
            /// Returns the word in columns, tables and logs.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                self.into()
            }
        })+
    };
}
pub(crate) use words;
