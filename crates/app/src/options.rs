//! What an operator decides about the service, beside where things are.

use std::time::Duration;

use rollcall_domain::migration::MigrationLimits;

/// The options, with defaults that fit most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppOptions {
    /// A run of the settings migration takes the organizations up to this wave.
    pub migration_wave: u32,
    /// When a run of the settings migration stops itself, and how many organizations of each wave it migrates first.
    pub migration_limits: MigrationLimits,
    /// How long published reports are kept. The one with the newest data is kept however old it is.
    pub keep_reports: Duration,
    /// How long runs of jobs that have ended are kept. A job's newest run, and those whose reports are kept, stay.
    pub keep_runs: Duration,
}

impl Default for AppOptions {
    /// Wave 0, the default limits of the migration, and 90 days.
    fn default() -> Self {
        let days = Duration::from_secs(90 * 24 * 60 * 60);
        Self { migration_wave: 0, migration_limits: MigrationLimits::default(), keep_reports: days, keep_runs: days }
    }
}
