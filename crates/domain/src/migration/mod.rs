//! The settings migration: old per-member settings become the members' own, and nobody's
//! behaviour changes (product.md 7).

mod legacy;
mod proof;
mod rollback;

use std::collections::HashMap;

pub use legacy::{CheckedRows, Holder, ImportPlan, LegacyRow, check_rows, plan_import};
pub use proof::{Proof, Reading};
pub use rollback::RollbackObstacle;

use crate::{
    AssignmentId, AssignmentList, MemberId, UpdateMode,
    email_export::{EmailExport, Setting, State, Summary},
};

/// A member of an organization that is to be migrated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyMember {
    /// The member.
    pub id: MemberId,
    /// Whether the member is active.
    pub active: bool,
    /// The member's assignment.
    pub assignment: AssignmentId,
    /// The old setting; no row means not selected.
    pub legacy: Option<bool>,
}

/// What the LEGACY read path answers of members, as a proof compares it.
#[must_use]
pub fn legacy_reading(members: &[LegacyMember]) -> Reading {
    members.iter().map(|member| (member.id.clone(), Setting::carried_over(member.legacy))).collect()
}

/// What the migration makes of one assignment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Outcome {
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its name.
    pub display_name: String,
    /// Its rank.
    pub rank: u32,
    /// Its update mode.
    pub update_mode: UpdateMode,
    /// What its members have.
    pub summary: Summary,
    /// The state shown.
    pub state: State,
    /// The value that counts as chosen.
    pub chosen: Option<EmailExport>,
    /// Whether a tech admin has to act.
    pub action_required: bool,
}

/// What migrating an organization writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    /// Every member's setting, in the order given.
    pub members: Vec<(MemberId, Setting)>,
    /// Every assignment, in evaluation order.
    pub outcomes: Vec<Outcome>,
}

/// Plans the migration of an organization with all its members (product.md 7.4).
#[must_use]
pub fn plan_migration(list: &AssignmentList, members: &[LegacyMember]) -> MigrationPlan {
    let mut by_assignment: HashMap<&AssignmentId, Vec<(bool, Option<EmailExport>)>> = HashMap::new();
    let mut settings = Vec::with_capacity(members.len());
    for member in members {
        let setting = Setting::carried_over(member.legacy);
        by_assignment.entry(&member.assignment).or_default().push((member.active, Some(setting.value())));
        settings.push((member.id.clone(), setting));
    }
    let outcome = |(rank, assignment): (u32, &crate::Assignment)| {
        let summary = Summary::count(by_assignment.remove(&assignment.id).unwrap_or_default());
        let chosen = summary.agreed(None);
        Outcome {
            assignment: assignment.id.clone(),
            display_name: assignment.display_name.clone(),
            rank,
            update_mode: assignment.update_mode,
            summary,
            state: summary.state(chosen),
            chosen,
            action_required: assignment.action_required(summary),
        }
    };
    MigrationPlan { members: settings, outcomes: list.ranked().map(outcome).collect() }
}
