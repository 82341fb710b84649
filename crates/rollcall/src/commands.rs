//! The commands, and the parts of the program that run them.

use std::sync::Arc;

use clap::{Parser, Subcommand};
use object_store::ObjectStore;
use rollcall_app::reports::ReportStore;
use rollcall_cli::{
    TargetArguments,
    assignment::{AssignmentCommand, choose},
    demo::DemoArguments,
    doctor::{self, DoctorArguments},
    folder::OrganizationFolder,
    import::{self, ImportArguments},
    job::{self, JobCommand},
    migration::{
        self, MigrationCommand,
        change::{MigrationChangeCommand, MigrationWaveArguments},
        import::MigrationImport,
    },
    report::{self, ReportCommand, verify},
};
use rollcall_proto::v1::MigrationAction;
use url::Url;

use crate::{
    config::Config,
    database, demo,
    error::{Error, Result},
    installation, job_run,
    local_server::{with_server, with_server_and_changes},
    serve,
    shutdown::Shutdown,
};

const INTERRUPTED: &str = "interrupted";
const IMPORT_INTERRUPTED: &str = "interrupted: the organization may be incomplete; run the import again to continue";
const CHANGE_INTERRUPTED: &str = "stopped waiting; the run, if it has begun, continues on the server; without a server, \
     `rollcall job run migration-changes` continues it";
const WAIT_INTERRUPTED: &str = "stopped waiting; the run, if it has begun, continues on the server";

/// Decides which settings every team member has, and whether a member's emails may be exported to the CRM.
#[derive(Debug, Parser)]
#[command(name = "rollcall", version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) config: Config,
}

/// The commands. Without a command, the program runs `serve`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve gRPC, and run the jobs too unless --no-jobs is given
    Serve,
    /// Bring the database's schema up to date, and end
    Migrate,
    /// Run the scheduled jobs only; --listen answers health checks
    Jobs,
    /// List the jobs, or run one
    #[command(arg_required_else_help = false)]
    Job {
        #[command(subcommand)]
        command: JobCommand,
    },
    /// Show, plan and steer the settings migration, and import old settings
    #[command(arg_required_else_help = false)]
    Migration {
        #[command(subcommand)]
        command: MigrationCommand,
    },
    /// Settle mixed assignments
    #[command(arg_required_else_help = false)]
    Assignment {
        #[command(subcommand)]
        command: AssignmentCommand,
    },
    /// List, download, show and check published reports, and decide which installation writes them
    #[command(arg_required_else_help = false)]
    Report {
        #[command(subcommand)]
        command: ReportCommand,
    },
    /// After a backup was restored: tell the restored database apart from the original
    Restored,
    /// Compare the stored data of an organization with the rules; repair nothing
    Doctor(DoctorArguments),
    /// Create an organization from a folder on a running server, up to and including its old settings
    Import(ImportArguments),
    /// Show the settings migration and the report on an organization, then keep serving
    Demo(DemoArguments),
}

impl Command {
    /// Returns the default log filter. Commands that print for a person log only warnings.
    pub(crate) fn log_default(&self) -> &'static str {
        match self {
            Self::Serve | Self::Migrate | Self::Jobs => "info",
            Self::Job { .. }
            | Self::Restored
            | Self::Assignment { .. }
            | Self::Migration { .. }
            | Self::Report { .. }
            | Self::Doctor(_)
            | Self::Import(_)
            | Self::Demo(_) => "warn",
        }
    }

    pub(crate) async fn run(self, config: &Config, shutdown: &Shutdown) -> Result {
        match self {
            Self::Serve => serve::serve(config, shutdown).await,
            Self::Migrate => database::migrate(config).await,
            Self::Jobs => serve::jobs(config, shutdown).await,
            Self::Job { command } => run_job_command(command, config, shutdown).await,
            Self::Migration { command } => run_migration_command(command, config, shutdown).await,
            Self::Assignment { command: AssignmentCommand::Choose(arguments) } => {
                let choose = async |server: &_| choose::run(server, &arguments).await;
                with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, choose).await
            }
            Self::Report { command } => run_report_command(command, config, shutdown).await,
            Self::Restored => installation::restored(config, shutdown).await,
            Self::Doctor(arguments) => {
                let check = async |server: &_| doctor::run(server, &arguments).await;
                with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, check).await
            }
            Self::Import(arguments) => {
                let folder = OrganizationFolder::read(&arguments.folder)?;
                let run = async |server: &_| import::run(server, &folder).await;
                with_server(config, Some(&arguments.target), shutdown, IMPORT_INTERRUPTED, run).await
            }
            Self::Demo(arguments) => demo::run(config, &arguments, shutdown).await,
        }
    }
}

async fn run_job_command(command: JobCommand, config: &Config, shutdown: &Shutdown) -> Result {
    match command {
        JobCommand::List(TargetArguments { target }) => {
            with_server(config, target.as_ref(), shutdown, INTERRUPTED, job::list::run).await
        }
        JobCommand::Run(arguments) if arguments.target.is_none() => job_run::run(config, &arguments, shutdown).await,
        JobCommand::Run(arguments) => {
            let run = async |server: &_| job::run::run(server, &arguments).await;
            with_server(config, arguments.target.as_ref(), shutdown, WAIT_INTERRUPTED, run).await
        }
    }
}

async fn run_migration_command(command: MigrationCommand, config: &Config, shutdown: &Shutdown) -> Result {
    match command {
        MigrationCommand::Status(TargetArguments { target }) => {
            with_server(config, target.as_ref(), shutdown, INTERRUPTED, migration::status::run).await
        }
        MigrationCommand::Plan(arguments) => {
            let plan = async |server: &_| migration::plan::run(server, &arguments).await;
            with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, plan).await
        }
        MigrationCommand::Import(arguments) => {
            let target = arguments.target.clone();
            let import = MigrationImport::open(arguments)?;
            let run = async |server: &_| import.run(server).await;
            with_server(config, target.as_ref(), shutdown, INTERRUPTED, run).await
        }
        MigrationCommand::Cancel(arguments) => {
            let cancel = async |server: &_| migration::cancel::run(server, &arguments).await;
            with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, cancel).await
        }
        MigrationCommand::Retry(arguments) => {
            let change = MigrationChangeCommand::new(MigrationAction::Retry, None, &arguments)?;
            run_change(change, arguments.target.as_ref(), config, shutdown).await
        }
        MigrationCommand::Rollback(arguments) => {
            let change = MigrationChangeCommand::new(MigrationAction::RollBack, None, &arguments)?;
            run_change(change, arguments.target.as_ref(), config, shutdown).await
        }
        MigrationCommand::Wave(MigrationWaveArguments { wave, change: arguments }) => {
            let change = MigrationChangeCommand::new(MigrationAction::SetWave, Some(wave), &arguments)?;
            run_change(change, arguments.target.as_ref(), config, shutdown).await
        }
    }
}

async fn run_change(
    change: MigrationChangeCommand,
    target: Option<&Url>,
    config: &Config,
    shutdown: &Shutdown,
) -> Result {
    let run = async |server: &_| change.run(server).await;
    with_server_and_changes(config, target, shutdown, CHANGE_INTERRUPTED, run).await
}

async fn run_report_command(command: ReportCommand, config: &Config, shutdown: &Shutdown) -> Result {
    match command {
        ReportCommand::List(TargetArguments { target }) => {
            with_server(config, target.as_ref(), shutdown, INTERRUPTED, report::list::run).await
        }
        ReportCommand::Download(arguments) => {
            let download = async |server: &_| report::download::run(server, &arguments).await;
            with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, download).await
        }
        ReportCommand::Open(arguments) => {
            let open = async |server: &_| report::open::run(server, &arguments).await;
            with_server(config, arguments.target.as_ref(), shutdown, INTERRUPTED, open).await
        }
        ReportCommand::Verify(arguments) => verify::run(&arguments, open_report_store).await,
        ReportCommand::TakeOver => installation::take_over_reports(config, shutdown).await,
    }
}

fn open_report_store(url: &Url) -> Result<Arc<dyn ObjectStore>> {
    let store = ReportStore::open(url.as_str()).map_err(Error::doing(format!("cannot open {url}")))?;
    Ok(store.into())
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory as _;

    use super::*;
    use crate::config::parse;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_report_has_the_schedule_and_time_zone_of_the_flags() {
        let schedule = |arguments: &[&str]| {
            let arguments = ["rollcall"].iter().chain(arguments).map(OsString::from);
            let schedule = parse::<Cli>(arguments).unwrap().unwrap().config.job_options().report_schedule;
            format!("{} {}", schedule.cron, schedule.time_zone.name())
        };
        assert_eq!(schedule(&[]), "0 2 * * * UTC");
        let given = ["jobs", "--report-schedule", "30 1 * * 1-5", "--report-time-zone", "Asia/Kolkata"];
        assert_eq!(schedule(&given), "30 1 * * 1-5 Asia/Kolkata");
    }
}
