//! Rolling a migration back (product.md 7.6): the old settings decide again, and no member's behaviour changes.

use crate::{OrganizationId, Phase, Refusal, Timestamp};

use super::{
    migrate::{LegacyMember, legacy_reading},
    obstacle::RollbackObstacle,
    proof::{Proof, Reading},
    status::{MigrationRecord, MigrationState},
};

/// What a rollback is planned from.
#[derive(Clone, Debug)]
pub struct RollbackContext<'a> {
    /// The organization.
    pub organization: &'a OrganizationId,
    /// Its phase.
    pub phase: Phase,
    /// The record of its migration, if there is one.
    pub record: Option<&'a MigrationRecord>,
    /// What the MIGRATED read path answers of every member.
    pub before: Reading,
    /// Every member, with the old setting.
    pub members: &'a [LegacyMember],
}

/// A rollback that may be applied. It removes the setting of every member and the chosen value of every assignment, and
/// sets the phase to LEGACY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollbackPlan {
    organization: OrganizationId,
    /// What the LEGACY read path must answer after the rollback.
    before: Reading,
    /// The comparison of `before` with the old settings, before anything is written.
    expected: Proof,
}

/// Plans a rollback.
///
/// # Errors
/// [`Refusal::NothingToRollBack`] in phase LEGACY. [`Refusal::MigrationRollbackTooLate`] when the organization was
/// created migrated, when a value was chosen after the migration, or when the rollback would change any member.
pub fn plan_rollback(context: RollbackContext<'_>) -> Result<RollbackPlan, Refusal> {
    let RollbackContext { organization, phase, record, before, members } = context;
    if phase == Phase::Legacy {
        let state = record.map_or(MigrationState::Pending, |record| record.state);
        return Err(Refusal::NothingToRollBack { organization: organization.clone(), state });
    }
    let Some(record) = record else { return Err(too_late(organization, RollbackObstacle::CreatedMigrated)) };
    if let Some(assignment) = &record.first_chosen {
        return Err(too_late(organization, RollbackObstacle::Chosen(assignment.clone())));
    }
    let expected = prove(organization, &before, members)?;
    Ok(RollbackPlan { organization: organization.clone(), before, expected })
}

impl RollbackPlan {
    /// Compares with `members` as they are read back after the rollback was written. Returns the record to write.
    ///
    /// # Errors
    /// [`Refusal::MigrationRollbackTooLate`] when any member differs; then nothing may stay written.
    pub fn conclude(&self, members: &[LegacyMember], now: Timestamp) -> Result<MigrationRecord, Refusal> {
        Ok(rolled_back(prove(&self.organization, &self.before, members)?, now))
    }

    /// Returns the record that a rollback at `now` would write.
    #[must_use]
    pub fn preview(self, now: Timestamp) -> MigrationRecord {
        rolled_back(self.expected, now)
    }
}

fn rolled_back(proof: Proof, now: Timestamp) -> MigrationRecord {
    MigrationRecord { proof: Some(proof), ..MigrationRecord::new(MigrationState::RolledBack, now) }
}

fn prove(organization: &OrganizationId, before: &Reading, members: &[LegacyMember]) -> Result<Proof, Refusal> {
    let proof = Proof::compare(before, &legacy_reading(members));
    if proof.holds() { Ok(proof) } else { Err(too_late(organization, RollbackObstacle::Members(proof.differences))) }
}

fn too_late(organization: &OrganizationId, obstacle: RollbackObstacle) -> Refusal {
    Refusal::MigrationRollbackTooLate { organization: organization.clone(), obstacle }
}
