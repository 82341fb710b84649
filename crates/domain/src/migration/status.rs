//! How far the settings migration of an organization is.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{AssignmentId, Organization, OrganizationId, Phase, Refusal, Timestamp};

use super::{outcome::AssignmentOutcome, proof::Proof};

/// How far the settings migration of an organization is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MigrationState {
    /// The next run of the job migrates the organization.
    Pending,
    /// The organization is migrated, and the proof holds.
    Migrated,
    /// The migration or its proof failed. The organization is unchanged and waits for an operator.
    Failed,
    /// An operator rolled the migration back. The organization waits for an operator.
    RolledBack,
}

crate::words!(MigrationState);

impl MigrationState {
    /// Returns the state of an organization in `phase` with the state `recorded`. Without a recorded state, an
    /// organization in phase LEGACY is pending, and an organization that was created in phase MIGRATED has no state.
    ///
    /// `list_migrations.sql` repeats this rule. A test of the store compares the two.
    #[must_use]
    pub fn of(phase: Phase, recorded: Option<Self>) -> Option<Self> {
        recorded.or((phase == Phase::Legacy).then_some(Self::Pending))
    }

    /// Whether an organization in `phase` with the state `recorded` is still to be migrated: it is in phase LEGACY, and
    /// no operator has to look at it first.
    ///
    /// `list_pending_migrations.sql` and `list_migration_sizes.sql` repeat this rule. A test of the store compares
    /// them.
    #[must_use]
    pub fn is_still_to_migrate(phase: Phase, recorded: Option<Self>) -> bool {
        phase == Phase::Legacy && Self::of(phase, recorded) == Some(Self::Pending)
    }
}

/// The result of the last migration, rollback or retry of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationRecord {
    /// How far the migration is.
    pub state: MigrationState,
    /// Why the migration failed, if the state is FAILED. If the state is PENDING, the fault of the server that kept the
    /// last run from migrating the organization.
    pub failure: Option<String>,
    /// The run that has set the organization aside because of faults of the server. This run does not try the
    /// organization again, but later runs do.
    pub set_aside_by: Option<Uuid>,
    /// What was compared, if anything was.
    pub proof: Option<Proof>,
    /// What the migration made of each assignment, in evaluation order. A list of migrations leaves this out.
    pub outcomes: Vec<AssignmentOutcome>,
    /// When the state last changed.
    pub time: Timestamp,
    /// The first assignment on which a value was chosen after the migration. It may be deleted since.
    pub first_chosen: Option<AssignmentId>,
}

impl MigrationRecord {
    /// A record with a state and a time, and nothing else.
    #[must_use]
    pub fn new(state: MigrationState, time: Timestamp) -> Self {
        Self { state, failure: None, set_aside_by: None, proof: None, outcomes: Vec::new(), time, first_chosen: None }
    }

    /// The record of a migration that failed and is marked at `now`: `disproved`, or else damaged rows.
    #[must_use]
    pub fn failed(disproved: Option<Self>, now: Timestamp) -> Self {
        disproved.map(|record| Self { time: now, ..record }).unwrap_or_else(|| Self {
            failure: Some(
                "rows of the organization are damaged or break a constraint of the database; the log of the service \
                 names the statement and the cause; the organization was left as it was; correct the cause, then retry \
                 its migration"
                    .to_owned(),
            ),
            ..Self::new(MigrationState::Failed, now)
        })
    }

    /// The record of an organization that could not be migrated because of faults of the server. It stays pending. With
    /// `set_aside_by`, this run does not try it again.
    #[must_use]
    pub fn faulty(set_aside_by: Option<Uuid>, now: Timestamp) -> Self {
        let failure = "the database failed each time when the organization was to be migrated; the log of the service \
                       names the statement and the cause; the organization was left as it was; the next run tries it again";
        Self { failure: Some(failure.to_owned()), set_aside_by, ..Self::new(MigrationState::Pending, now) }
    }

    /// Whether both records say the same about a fault of the server, at whatever time.
    #[must_use]
    pub fn is_same_fault(&self, other: &Self) -> bool {
        self.failure == other.failure && self.set_aside_by == other.set_aside_by
    }

    /// Returns how many members the proof compared.
    #[must_use]
    pub fn compared(&self) -> u32 {
        self.proof.as_ref().map_or(0, |proof| proof.members)
    }
}

/// How far the settings migration of one organization is, with the facts that an operator needs beside the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Whether the old settings or the members' own settings decide.
    pub phase: Phase,
    /// The wave in which the organization is migrated.
    pub wave: u32,
    /// The record; `None` before the first migration, and for an organization that was created migrated.
    pub record: Option<MigrationRecord>,
    /// How many old settings wait for a member with their address.
    pub unmatched: u32,
}

impl MigrationStatus {
    /// Returns the state that is shown; see [`MigrationState::of`].
    #[must_use]
    pub fn state(&self) -> Option<MigrationState> {
        MigrationState::of(self.phase, self.record.as_ref().map(|record| record.state))
    }
}

/// Which organizations a run of the migration job migrates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationScope {
    /// The run.
    pub run: Uuid,
    /// The last wave that the run migrates. It also migrates the waves before.
    pub wave: u32,
    /// When the run was requested. An organization that was created later waits for the next run, because its old
    /// settings may not be imported yet.
    pub requested_at: Timestamp,
}

impl MigrationScope {
    /// Whether the run still has to migrate an organization with this migration record. Since the run has listed the
    /// organization, it may have moved to a later wave, and another worker may have set it aside.
    ///
    /// `list_pending_migrations.sql` repeats this rule.
    #[must_use]
    pub fn is_still_to_migrate(self, organization: &Organization, record: Option<&MigrationRecord>) -> bool {
        organization.wave <= self.wave
            && organization.created_at <= self.requested_at
            && MigrationState::is_still_to_migrate(organization.phase, record.map(|record| record.state))
            && record.and_then(|record| record.set_aside_by) != Some(self.run)
    }
}

/// Refuses what needs the old settings, once they no longer decide (product.md 7.2).
///
/// # Errors
/// [`Refusal::EmailExportAlreadyMigrated`] in phase MIGRATED.
pub(super) fn require_legacy(organization: &OrganizationId, phase: Phase) -> Result<(), Refusal> {
    match phase {
        Phase::Legacy => Ok(()),
        Phase::Migrated => Err(Refusal::EmailExportAlreadyMigrated(organization.clone())),
    }
}
