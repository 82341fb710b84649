//! `rollcall job`: lists the jobs, and runs one.

pub mod list;
pub mod outcome;
pub mod run;

use crate::connection::TargetArguments;
use run::JobRunArguments;

/// The commands of `job`.
#[derive(Debug, clap::Subcommand)]
pub enum JobCommand {
    /// List the jobs, each with its next, current and last run
    List(TargetArguments),
    /// Run a job now and wait until it ends; exit with 0 only if the run succeeded
    Run(JobRunArguments),
}
