//! `rollcall migration`: the state of the settings migration, its plan, and the import of old settings.

pub mod import;
mod pages;
pub mod plan;
pub mod status;

use crate::connection::TargetArguments;
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
}
