//! The commands, and which part of the program does each.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use url::Url;

use crate::{
    config::{self, Config},
    database, demo,
    error::Result,
    importing, job_list, job_run,
    migrating::{self, MigrationCommand},
    report, serve,
    shutdown::Shutdown,
};

/// Decides which settings every team member has, and whether a member's emails may be exported to the CRM.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) config: Config,
}

/// What to do; `serve` when left out.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve gRPC, and run the jobs too unless --no-jobs is given
    Serve,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Run the scheduled jobs only; --listen answers health checks
    Jobs,
    /// Look after single jobs
    #[command(arg_required_else_help = false)]
    Job {
        #[command(subcommand)]
        command: JobCommand,
    },
    /// Look after the settings migration
    #[command(arg_required_else_help = false)]
    Migration {
        #[command(subcommand)]
        command: MigrationCommand,
    },
    /// Look after published reports
    #[command(arg_required_else_help = false)]
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// Create an organization from a folder on a running server, up to and including its old settings
    Import(ImportArguments),
    /// Show the main job on a real organization, then keep serving
    Demo(DemoArguments),
}

/// What to do with a job.
#[derive(Debug, Subcommand)]
pub(crate) enum JobCommand {
    /// List the jobs with their next, current and last runs
    List(JobListArguments),
    /// Run a job now, wait for its end, and exit with 0 only if it succeeded
    Run(JobRunArguments),
}

/// What to do with a published report.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Check a report against its manifest, say what is wrong, and exit with 0 only if nothing is
    Verify(ReportVerifyArguments),
}

/// The arguments of `report verify`.
#[derive(Debug, clap::Args)]
pub(crate) struct ReportVerifyArguments {
    /// The URL of a run's folder, of its manifest.json, or of latest.json, such as
    /// file:///var/lib/rollcall/reports/mixed-settings/latest.json
    #[arg(value_name = "URL", value_parser = config::report)]
    pub(crate) url: Url,
}

/// The arguments of `job list`.
#[derive(Debug, clap::Args)]
pub(crate) struct JobListArguments {
    /// The running server, such as http://localhost:50051 [default: the database itself]
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Option<Url>,
}

/// The arguments of `job run`.
#[derive(Debug, clap::Args)]
pub(crate) struct JobRunArguments {
    /// The job, such as settings-migration or mixed-settings-report
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The running server to ask, such as http://localhost:50051 [default: run it here, on the database itself]
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Option<Url>,
    /// How long to wait for its end, such as 90s or 10m
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = config::duration)]
    pub(crate) wait: Duration,
}

/// The arguments of `import`.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArguments {
    /// The organization's folder; its name becomes the organization's id
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The running server, such as http://localhost:50051
    #[arg(long, value_name = "URL", value_parser = config::target)]
    pub(crate) target: Url,
}

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArguments {
    /// The organization's folder [default: the sample `acme`, which is built in]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// End after the table, with 0 only if the migration proved that nobody's behaviour changed
    #[arg(long)]
    pub(crate) once: bool,
}

impl Command {
    /// What is logged unless somebody says otherwise: a command that prints for a person keeps its log short.
    pub(crate) fn log_default(&self) -> &'static str {
        match self {
            Self::Serve | Self::Migrate | Self::Jobs => "info",
            Self::Job { .. } | Self::Migration { .. } | Self::Report { .. } | Self::Import(_) | Self::Demo(_) => "warn",
        }
    }

    pub(crate) async fn run(self, config: &Config, shutdown: &Shutdown) -> Result {
        match self {
            Self::Serve => serve::serve(config, shutdown).await,
            Self::Migrate => database::migrate(config).await,
            Self::Jobs => serve::jobs(config, shutdown).await,
            Self::Job { command: JobCommand::List(arguments) } => job_list::run(config, &arguments, shutdown).await,
            Self::Job { command: JobCommand::Run(arguments) } => job_run::run(config, &arguments, shutdown).await,
            Self::Migration { command } => migrating::run(config, &command, shutdown).await,
            Self::Report { command: ReportCommand::Verify(arguments) } => report::verify(&arguments).await,
            Self::Import(arguments) => importing::run(&arguments, shutdown).await,
            Self::Demo(arguments) => demo::run(config, &arguments, shutdown).await,
        }
    }
}
