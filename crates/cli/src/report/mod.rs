//! `rollcall report`: checks a published report. The program itself runs `take-over`, on its database.

pub mod verify;

use verify::ReportVerifyArguments;

/// The commands of `report`.
#[derive(Debug, clap::Subcommand)]
pub enum ReportCommand {
    /// Check a report against its manifest, print every problem, and exit with 0 only if there is none
    Verify(ReportVerifyArguments),
    /// Make this installation the one that writes and removes the reports in --reports-url, after a failover or a restore
    TakeOver,
}
