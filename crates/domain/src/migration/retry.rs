//! Letting the job migrate an organization again (product.md 7.6).

use crate::{OrganizationId, Phase, Refusal, Timestamp};

use super::status::{MigrationRecord, MigrationState};

/// What a retry writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// The state before the retry.
    pub state_before: MigrationState,
    /// The record that replaces the one of before. Its state is PENDING.
    pub record: MigrationRecord,
}

/// Plans a retry of an organization with the record `recorded`. Returns `None` when the organization is pending already
/// and no run has recorded a fault of the server; then nothing is written. An organization that the current run has set
/// aside is tried again by the same run.
///
/// # Errors
/// [`Refusal::NothingToRetry`] in phase MIGRATED, or [`Refusal::NothingToMigrate`] if the organization was created migrated.
pub fn plan_retry(
    organization: &OrganizationId,
    phase: Phase,
    recorded: Option<&MigrationRecord>,
    now: Timestamp,
) -> Result<Option<RetryPlan>, Refusal> {
    match (phase, recorded) {
        (Phase::Legacy, _) => {}
        (Phase::Migrated, Some(_)) => return Err(Refusal::NothingToRetry(organization.clone())),
        (Phase::Migrated, None) => return Err(Refusal::NothingToMigrate(organization.clone())),
    }
    let waiting = recorded.filter(|record| record.state != MigrationState::Pending || record.failure.is_some());
    let record = MigrationRecord::new(MigrationState::Pending, now);
    Ok(waiting.map(|waiting| RetryPlan { state_before: waiting.state, record }))
}
