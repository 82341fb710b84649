//! Migrating one organization (product.md 7.4 and 7.5).

use std::collections::HashMap;

use crate::{
    AssignmentId, MemberId, OrganizationId, Phase, Refusal, Timestamp, UpdateMode,
    email_export::{EmailExport, Setting, Summary},
};

use super::{
    outcome::AssignmentOutcome,
    proof::{Proof, Reading},
    status::{MigrationRecord, MigrationState},
};

/// A member with the old setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyMember {
    /// The member.
    pub id: MemberId,
    /// Whether the member is active.
    pub active: bool,
    /// The member's assignment.
    pub assignment: AssignmentId,
    /// Whether the old setting exports emails; `None` when no old setting is bound to the member.
    pub legacy: Option<bool>,
}

/// An assignment, as far as the migration needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyAssignment {
    /// The assignment.
    pub id: AssignmentId,
    /// Its name.
    pub display_name: String,
    /// Its update mode.
    pub update_mode: UpdateMode,
}

/// Returns what the LEGACY read path answers of the members, as a proof compares it.
#[must_use]
pub fn legacy_reading(members: &[LegacyMember]) -> Reading {
    members.iter().map(|member| (member.id.clone(), Setting::carried_over(member.legacy))).collect()
}

/// What the migration of one organization writes, and what its proof expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationPlan {
    /// What the LEGACY read path answers of every member. The settings must answer the same once they are written.
    pub before: Reading,
    /// The setting of every member, in the order of the members that were given.
    pub members: Vec<(MemberId, Setting)>,
    /// Every assignment, in evaluation order.
    pub outcomes: Vec<AssignmentOutcome>,
}

/// Refuses to plan the migration of an organization that is migrated.
///
/// # Errors
/// [`Refusal::NothingToMigrate`].
pub fn require_unmigrated(organization: &OrganizationId, phase: Phase) -> Result<(), Refusal> {
    match phase {
        Phase::Legacy => Ok(()),
        Phase::Migrated => Err(Refusal::NothingToMigrate(organization.clone())),
    }
}

/// Plans the migration of an organization with all its members, and all its assignments in evaluation order.
#[must_use]
pub fn plan_migration(assignments: Vec<LegacyAssignment>, members: &[LegacyMember]) -> MigrationPlan {
    let mut by_assignment: HashMap<&AssignmentId, Vec<(bool, Option<EmailExport>)>> = HashMap::new();
    let mut settings = Vec::with_capacity(members.len());
    for member in members {
        let setting = Setting::carried_over(member.legacy);
        by_assignment.entry(&member.assignment).or_default().push((member.active, Some(setting.value())));
        settings.push((member.id.clone(), setting));
    }
    let outcome = |(rank, assignment): (u32, LegacyAssignment)| {
        let summary = Summary::count(by_assignment.remove(&assignment.id).unwrap_or_default());
        let chosen = summary.agreed(None);
        AssignmentOutcome {
            rank,
            update_mode: assignment.update_mode,
            summary,
            state: summary.state(chosen),
            chosen,
            action_required: chosen.is_none() && assignment.update_mode.is_automatic(),
            assignment: assignment.id,
            display_name: assignment.display_name,
        }
    };
    let outcomes = (1..).zip(assignments).map(outcome).collect();
    MigrationPlan { before: legacy_reading(members), members: settings, outcomes }
}

impl MigrationPlan {
    /// Compares with `after`, the settings as they are read back after they were written. Returns the record to write:
    /// MIGRATED when the proof holds, else FAILED. A failed migration may not stay written.
    #[must_use]
    pub fn conclude(self, after: &[(MemberId, Setting)], now: Timestamp) -> MigrationRecord {
        let proof = Proof::compare(&self.before, after);
        let failure = (!proof.holds()).then(|| {
            format!(
                "{} of {} members would have behaved differently; the organization was left as it was; \
                 correct the cause, then retry its migration",
                proof.differences, proof.members
            )
        });
        let state = if failure.is_none() { MigrationState::Migrated } else { MigrationState::Failed };
        let (proof, outcomes) = (Some(proof), self.outcomes);
        MigrationRecord { failure, proof, outcomes, ..MigrationRecord::new(state, now) }
    }
}
