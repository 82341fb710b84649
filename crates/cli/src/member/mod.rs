//! `rollcall member`: answers questions about one member.

pub mod check;

use check::MemberCheckArguments;

/// The commands of `member`.
#[derive(Debug, clap::Subcommand)]
pub enum MemberCommand {
    /// Say whether the emails of an address may be exported to the CRM, and why
    Check(MemberCheckArguments),
}
