//! When a run of the migration stops itself: after too many failures, or after the failure of a canary, which is one of
//! the first organizations of a wave and is migrated before the others.

use std::fmt;

use crate::OrganizationId;

/// When a run of the migration stops itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MigrationLimits {
    /// The run stops after this many failed organizations with no migrated organization in between. 0 for no such limit.
    pub failures_in_a_row: u32,
    /// The run stops when this percentage of its organizations has failed, but not before `failures_in_a_row`
    /// organizations have failed. 0 for no such limit.
    pub failures_percent: u32,
    /// This many organizations of each wave are migrated before the others of the wave. If one of them fails, the run
    /// stops. 0 for no canaries.
    pub canaries: u32,
}

impl Default for MigrationLimits {
    /// 3 failures in a row, or 1 %, and no canaries.
    fn default() -> Self {
        Self { failures_in_a_row: 3, failures_percent: 1, canaries: 0 }
    }
}

/// What a run has done in one wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaveTally {
    /// The wave.
    pub wave: u32,
    /// How many organizations the run has migrated.
    pub migrated: u32,
    /// How many organizations have failed and were not retried.
    pub failed: u32,
}

/// What a run has done so far, in all processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MigrationTally {
    /// How many organizations the run had to migrate when it started.
    pub organizations: u32,
    /// The waves in which the run has migrated an organization or failed to.
    pub waves: Vec<WaveTally>,
    /// How many organizations have failed since the last one was migrated.
    pub failed_in_a_row: u32,
}

/// An organization that a run still has to migrate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingMigration {
    /// The organization.
    pub organization: OrganizationId,
    /// Its wave.
    pub wave: u32,
    /// Whether an earlier run or attempt could not migrate it because of faults of the server.
    pub is_faulty: bool,
}

/// Why a run stops itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationStop {
    /// This many organizations have failed with no migrated organization in between.
    InARow(u32),
    /// Too large a part of the run's organizations has failed.
    Share {
        /// How many organizations have failed.
        failed: u32,
        /// How many organizations the run had to migrate.
        organizations: u32,
    },
    /// A canary of this wave has failed.
    Canary(u32),
}

impl MigrationLimits {
    /// Returns why the run has to stop; `None` if it continues.
    #[must_use]
    pub fn stop(self, tally: &MigrationTally) -> Option<MigrationStop> {
        let Self { failures_in_a_row, failures_percent, .. } = self;
        let failed_canary = tally.waves.iter().find(|wave| wave.failed > 0 && self.canaries_left(tally, wave.wave) > 0);
        if let Some(wave) = failed_canary {
            return Some(MigrationStop::Canary(wave.wave));
        }
        if failures_in_a_row > 0 && tally.failed_in_a_row >= failures_in_a_row {
            return Some(MigrationStop::InARow(tally.failed_in_a_row));
        }
        let (failed, organizations) = (tally.waves.iter().map(|wave| wave.failed).sum::<u32>(), tally.organizations);
        let is_share = u64::from(failed) * 100 >= u64::from(organizations) * u64::from(failures_percent);
        let is_reached = failures_percent > 0 && failed > 0 && failed >= failures_in_a_row && is_share;
        is_reached.then_some(MigrationStop::Share { failed, organizations })
    }

    /// Returns the organizations that may be migrated now, in the given order: before the canaries of a wave are
    /// migrated, only these and the waves before. A faulty organization is no canary, so that it cannot stop a wave.
    #[must_use]
    pub fn admit(self, tally: &MigrationTally, pending: &[PendingMigration]) -> Vec<OrganizationId> {
        let mut admitted = Vec::new();
        for wave in pending.chunk_by(|one, next| one.wave == next.wave) {
            let left = wave.first().map_or(0, |first| self.canaries_left(tally, first.wave));
            let good = wave.iter().filter(|pending| !pending.is_faulty);
            let canaries: Vec<_> = good.take(usize::try_from(left).unwrap_or(usize::MAX)).collect();
            if !canaries.is_empty() {
                admitted.extend(canaries.into_iter().map(|canary| canary.organization.clone()));
                break;
            }
            admitted.extend(wave.iter().map(|pending| pending.organization.clone()));
        }
        admitted
    }

    /// Returns how many canaries of a wave are still to be migrated.
    fn canaries_left(self, tally: &MigrationTally, wave: u32) -> u32 {
        let migrated = tally.waves.iter().find(|done| done.wave == wave).map_or(0, |done| done.migrated);
        self.canaries.saturating_sub(migrated)
    }
}

impl fmt::Display for MigrationStop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InARow(failed) => write!(f, "the last {failed} organizations failed"),
            Self::Share { failed, organizations } => write!(f, "{failed} of {organizations} organizations failed"),
            Self::Canary(wave) => write!(f, "one of the first organizations of wave {wave} failed"),
        }
    }
}
