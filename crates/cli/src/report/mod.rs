//! `rollcall report`: checks a published report.

pub mod verify;

use verify::ReportVerifyArguments;

/// The commands of `report`.
#[derive(Debug, clap::Subcommand)]
pub enum ReportCommand {
    /// Check a report against its manifest, print every problem, and exit with 0 only if there is none
    Verify(ReportVerifyArguments),
}
