//! `rollcall report`: lists, downloads, shows and checks published reports. The program itself runs `take-over`, on its database.

mod digest;
pub mod download;
pub mod list;
pub mod open;
mod published_file;
pub mod verify;

use crate::connection::TargetArguments;
use download::ReportDownloadArguments;
use open::ReportOpenArguments;
use verify::ReportVerifyArguments;

/// The commands of `report`.
#[derive(Debug, clap::Subcommand)]
pub enum ReportCommand {
    /// List the published reports, the newest first
    List(TargetArguments),
    /// Download a file of a report, and compare its checksum
    Download(ReportDownloadArguments),
    /// Show the page of a report: download its files, and open the page with the program that the system uses for it
    Open(ReportOpenArguments),
    /// Check a report against its manifest, print every problem, and exit with 0 only if there is none
    Verify(ReportVerifyArguments),
    /// Make this installation the one that writes and removes the reports in --reports-url, after a failover or a restore
    TakeOver,
}
