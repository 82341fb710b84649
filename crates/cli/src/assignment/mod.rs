//! `rollcall assignment`: settles mixed assignments.

pub mod choose;

use choose::AssignmentChooseArguments;

/// The commands of `assignment`.
#[derive(Debug, clap::Subcommand)]
pub enum AssignmentCommand {
    /// Choose the email export setting of an assignment, which gives it to all members
    Choose(AssignmentChooseArguments),
}
