//! Letting the job migrate an organization again (product.md 7.6).

use crate::{OrganizationId, Phase, Refusal, Timestamp};

use super::status::{MigrationRecord, MigrationState, require_legacy};

/// What a retry writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPlan {
    /// The state before the retry.
    pub state_before: MigrationState,
    /// The record that replaces the one of before. Its state is PENDING.
    pub record: MigrationRecord,
}

/// Plans a retry of an organization with the state `recorded`. Returns `None` when the organization is pending already;
/// then nothing is written.
///
/// # Errors
/// [`Refusal::EmailExportAlreadyMigrated`] in phase MIGRATED.
pub fn plan_retry(
    organization: &OrganizationId,
    phase: Phase,
    recorded: Option<MigrationState>,
    now: Timestamp,
) -> Result<Option<RetryPlan>, Refusal> {
    require_legacy(organization, phase)?;
    let waiting = recorded.filter(|state| *state != MigrationState::Pending);
    let record = MigrationRecord::new(MigrationState::Pending, now);
    Ok(waiting.map(|state_before| RetryPlan { state_before, record }))
}
