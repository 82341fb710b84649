//! The arguments of `migration`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rollcall_domain::OrganizationId;
use url::Url;

use crate::config;

/// What to do about the settings migration.
#[derive(Debug, Subcommand)]
pub(crate) enum MigrationCommand {
    /// Show how far each wave is, the run under way, and the organizations that failed
    Status(StatusArguments),
    /// Show what migrating would leave mixed, and change nothing
    Plan(PlanArguments),
    /// Take over the old settings of one organization from a CSV file with the columns email and export
    Import(ImportArguments),
}

/// The arguments of `migration status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// The running server, such as http://localhost:50051 [default: the database itself]
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Option<Url>,
}

/// The arguments of `migration plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// One organization [default: all that wait to be migrated]
    #[arg(long, value_name = "ID", value_parser = organization, conflicts_with = "wave")]
    pub(crate) organization: Option<OrganizationId>,
    /// Those of one wave that wait to be migrated
    #[arg(long, value_name = "N", value_parser = config::wave)]
    pub(crate) wave: Option<u32>,
    /// Where to write a CSV of the assignments that would be mixed
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// The running server, such as http://localhost:50051 [default: the database itself]
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Option<Url>,
}

/// The arguments of `migration import`.
#[derive(Debug, Args)]
pub(crate) struct ImportArguments {
    /// A CSV file in UTF-8 whose header has email and export; export is true or false
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// The organization, in phase LEGACY
    #[arg(long, value_name = "ID", value_parser = organization)]
    pub(crate) organization: OrganizationId,
    /// Where to write a CSV of what came of each row
    #[arg(long, value_name = "FILE")]
    pub(crate) outcomes: Option<PathBuf>,
    /// Check every row and write nothing
    #[arg(long)]
    pub(crate) validate_only: bool,
    /// The running server, such as http://localhost:50051 [default: the database itself]
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Option<Url>,
}

fn organization(text: &str) -> Result<OrganizationId, String> {
    let id = text.strip_prefix("organizations/").unwrap_or(text);
    OrganizationId::parse(id).map_err(|violation| format!("give an organization's id: {}", violation.description))
}
