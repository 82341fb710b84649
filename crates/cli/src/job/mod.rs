//! `rollcall job`: lists the jobs, and runs one.

pub mod list;
mod outcome;
pub mod run;

use list::JobListArguments;
pub(crate) use outcome::{check_succeeded, outcome_line};
use run::JobRunArguments;

/// The commands of `job`.
#[derive(Debug, clap::Subcommand)]
pub enum JobCommand {
    /// List the jobs, each with its next, current and last run
    List(JobListArguments),
    /// Run a job now and wait until it ends; exit with 0 only if the run succeeded
    Run(JobRunArguments),
}
