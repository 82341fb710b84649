//! `rollcall migration`: the state of the settings migration, its plan, the import of old settings, and the retries,
//! rollbacks and waves of many organizations.

pub mod cancel;
pub mod change;
pub mod import;
mod pages;
pub mod plan;
pub mod status;

use crate::connection::TargetArguments;
use cancel::MigrationCancelArguments;
use change::{MigrationChangeArguments, MigrationWaveArguments};
use import::MigrationImportArguments;
use plan::MigrationPlanArguments;

/// The commands of `migration`.
#[derive(Debug, clap::Subcommand)]
pub enum MigrationCommand {
    /// Show the progress of each wave, the current run, and the organizations that failed
    Status(TargetArguments),
    /// Show which assignments the migration would leave mixed; change nothing
    Plan(MigrationPlanArguments),
    /// Import the old settings of one organization from a CSV file with the columns email and export
    Import(MigrationImportArguments),
    /// Let the next run of the migration try organizations again that failed or were rolled back
    Retry(MigrationChangeArguments),
    /// Roll the migration of organizations back, so that their old settings decide again
    Rollback(MigrationChangeArguments),
    /// Move organizations to another wave
    Wave(MigrationWaveArguments),
    /// Stop the run in progress after its current organization
    Cancel(MigrationCancelArguments),
}
