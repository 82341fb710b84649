//! Assignments and the ordered list of them (product.md 2).

mod change;
mod edit;
mod order;

use std::collections::{BTreeSet, HashMap};

pub use change::{Concerned, Proposal};
pub use edit::{Edit, NewAssignment, chosen_stays};
pub use order::{OrderMismatch, Overtaken};

use crate::{
    AssignmentId, GroupId, Phase, Refusal,
    email_export::{EmailExport, Summary},
    settings::Settings,
};

/// Whether members follow their assignment (product.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateMode {
    /// "Manual editing": members keep what they have.
    ManualEditing,
    /// "Automatic updates": members have what the assignment has.
    AutomaticUpdates,
}

impl UpdateMode {
    /// The word in CSV, columns and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ManualEditing => "MANUAL_EDITING",
            Self::AutomaticUpdates => "AUTOMATIC_UPDATES",
        }
    }

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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
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

/// An organization's assignments in evaluation order, the default one last. Ranks are the
/// positions from 1, so they are dense and unique by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentList {
    listed: Vec<Assignment>,
    default: Assignment,
}

impl AssignmentList {
    /// The list of the given assignments; `listed` is in evaluation order and without the default.
    #[must_use]
    pub fn new(listed: Vec<Assignment>, default: Assignment) -> Self {
        Self { listed, default }
    }

    /// All assignments with their ranks, the default one last.
    pub fn ranked(&self) -> impl Iterator<Item = (u32, &Assignment)> {
        (1..).zip(self.listed.iter().chain([&self.default]))
    }

    /// The assignments in evaluation order, the default aside.
    #[must_use]
    pub fn listed(&self) -> &[Assignment] {
        &self.listed
    }

    /// How many assignments are listed, the default aside.
    #[must_use]
    pub fn listed_count(&self) -> u32 {
        u32::try_from(self.listed.len()).unwrap_or(u32::MAX)
    }

    /// The assignment that every member is in who matches no other.
    #[must_use]
    pub fn default_assignment(&self) -> &Assignment {
        &self.default
    }

    /// An assignment by id.
    #[must_use]
    pub fn find(&self, id: &AssignmentId) -> Option<&Assignment> {
        self.ranked().map(|(_, assignment)| assignment).find(|assignment| assignment.id == *id)
    }

    /// An assignment by id.
    ///
    /// # Errors
    /// `ASSIGNMENT_NOT_FOUND`.
    pub fn get(&self, id: &AssignmentId) -> Result<&Assignment, Refusal> {
        self.find(id).ok_or_else(|| Refusal::AssignmentNotFound(id.clone()))
    }

    /// The rank of an assignment.
    #[must_use]
    pub fn rank(&self, id: &AssignmentId) -> Option<u32> {
        self.ranked().find(|(_, assignment)| assignment.id == *id).map(|(rank, _)| rank)
    }

    /// The assignment at a rank; the default one beyond the end.
    #[must_use]
    pub fn at(&self, rank: u32) -> &Assignment {
        let index = usize::try_from(rank).unwrap_or(usize::MAX).wrapping_sub(1);
        self.listed.get(index).unwrap_or(&self.default)
    }

    /// For each group, the first rank that names it: all that resolving a member needs.
    #[must_use]
    pub fn first_ranks(&self) -> HashMap<&GroupId, u32> {
        let mut ranks = HashMap::new();
        for (rank, assignment) in self.ranked() {
            for group in &assignment.groups {
                ranks.entry(group).or_insert(rank);
            }
        }
        ranks
    }

    fn find_mut(&mut self, id: &AssignmentId) -> Option<&mut Assignment> {
        self.listed.iter_mut().chain([&mut self.default]).find(|assignment| assignment.id == *id)
    }

    /// Inserts at a rank that was checked; beyond the end is the end.
    fn insert(&mut self, position: u32, assignment: Assignment) {
        let index = usize::try_from(position.saturating_sub(1)).unwrap_or(usize::MAX);
        self.listed.insert(index.min(self.listed.len()), assignment);
    }

    fn remove(&mut self, id: &AssignmentId) -> Option<Assignment> {
        let index = self.listed.iter().position(|assignment| assignment.id == *id)?;
        Some(self.listed.remove(index))
    }
}
