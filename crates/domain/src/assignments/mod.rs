//! Assignments, the ordered list of them, and every change of the list (product.md 2, 3).

mod create;
mod delete;
mod input;
mod list;
mod order_mismatch;
mod overtaken;
mod reorder;
mod save;
mod update;

use std::collections::BTreeSet;

pub use create::{CreateAssignment, NewAssignment};
pub use delete::{DeleteAssignment, Deletion};
pub use input::{AssignmentEdit, AssignmentInput};
pub(crate) use input::{Choice, choice_removed};
pub use list::AssignmentList;
pub use order_mismatch::OrderMismatch;
pub use overtaken::Overtaken;
pub use reorder::ReorderAssignments;
pub use update::UpdateAssignment;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::{
    AssignmentId, GroupId, Phase,
    email_export::{EmailExport, Summary},
    settings::Settings,
};

/// Whether members follow their assignment (product.md 3). An assignment starts in manual editing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateMode {
    /// "Manual editing": members keep what they have.
    #[default]
    ManualEditing,
    /// "Automatic updates": members have what the assignment has.
    AutomaticUpdates,
}

crate::words!(UpdateMode);

impl UpdateMode {
    /// Whether members follow their assignment.
    #[must_use]
    pub fn is_automatic(self) -> bool {
        self == Self::AutomaticUpdates
    }

    /// Whether a tech admin has to act on an assignment of this update mode: it is mixed and updates automatically.
    #[must_use]
    pub fn action_required(self, summary: Summary) -> bool {
        self.is_automatic() && summary.is_mixed()
    }
}

/// A named bundle of settings for the members of some groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assignment {
    /// Its id; `default` for the default assignment.
    pub id: AssignmentId,
    /// As people write it.
    pub display_name: String,
    /// Whose members match; empty for the default assignment only.
    pub groups: BTreeSet<GroupId>,
    /// Whether members follow it.
    pub update_mode: UpdateMode,
    /// What it gives.
    pub settings: Settings,
    /// The value of email export that a tech admin has chosen.
    pub chosen: Option<EmailExport>,
}

impl Assignment {
    /// The default assignment as every organization starts with it (product.md 2.3).
    #[must_use]
    pub fn new_default(phase: Phase) -> Self {
        Self {
            id: AssignmentId::default_assignment(),
            display_name: "Default".to_owned(),
            groups: BTreeSet::new(),
            update_mode: UpdateMode::ManualEditing,
            settings: Settings::default(),
            chosen: (phase == Phase::Migrated).then_some(EmailExport::DoNotExport),
        }
    }

    /// Whether it holds members who no longer match it: manual ones do, the default never.
    #[must_use]
    pub fn holds_members(&self) -> bool {
        !self.update_mode.is_automatic() && !self.id.is_default()
    }

    /// Whether a tech admin has to act; see [`UpdateMode::action_required`].
    #[must_use]
    pub fn action_required(&self, summary: Summary) -> bool {
        self.update_mode.action_required(summary)
    }
}
