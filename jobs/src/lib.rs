//! The list of jobs. Each job is declared in a file of its own; the engine that runs them knows no job.

pub mod engine;
mod housekeeping;
mod migration_changes;
mod mixed_settings_report;
mod self_check;
mod settings_migration;

use std::future::Future;

use rollcall_app::{App, jobs::JobInfo};
use rollcall_store::jobs::JobRun;

use engine::JobSpec;
pub use engine::{Engine, EngineError, EngineOptions, Schedule, TimeZone, parse_cron};

/// The default cron expression of the nightly report. The default time zone is UTC.
pub const DEFAULT_REPORT_CRON: &str = "0 2 * * *";

/// What an operator decides about the jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobOptions {
    /// The schedule of the nightly report.
    pub report_schedule: Schedule,
}

impl Default for JobOptions {
    fn default() -> Self {
        Self { report_schedule: Schedule { cron: DEFAULT_REPORT_CRON.into(), time_zone: TimeZone::UTC } }
    }
}

/// Returns every job, in byte order of the names.
#[must_use]
pub fn specs(options: &JobOptions) -> Vec<JobSpec> {
    let report = mixed_settings_report::spec(options.report_schedule.clone());
    vec![housekeeping::spec(), migration_changes::spec(), report, self_check::spec(), settings_migration::spec()]
}

/// Returns the name, description and schedule of every job.
#[must_use]
pub fn list(options: &JobOptions) -> Vec<JobInfo> {
    specs(options).iter().map(JobSpec::info).collect()
}

/// Starts an engine with every job.
///
/// # Errors
/// [`EngineError::Schedule`] for a schedule that cannot be read, [`EngineError::Ticker`], or [`EngineError::Store`].
pub async fn start(app: App, options: &JobOptions) -> Result<Engine, EngineError> {
    Engine::start(app, specs(options), EngineOptions::default()).await
}

/// Starts an engine with the job that changes the migrations of many organizations, and with no other job: for a command
/// that requests a run.
///
/// # Errors
/// [`EngineError::Ticker`], or [`EngineError::Store`].
pub async fn start_migration_changes(app: App) -> Result<Engine, EngineError> {
    Engine::start(app, vec![migration_changes::spec()], EngineOptions::default()).await
}

/// Runs a job once in this process; see [`engine::run_in_process`].
///
/// # Errors
/// [`EngineError::UnknownJob`], [`EngineError::AlreadyOpen`] while another process works on a run of the job, or
/// [`EngineError::Store`].
pub async fn run_in_process(
    app: &App,
    name: &str,
    stop: impl Future<Output = ()>,
    progress: impl FnMut(&JobRun),
) -> Result<JobRun, EngineError> {
    // A run on request does not depend on the schedule.
    let mut specs = specs(&JobOptions::default());
    let Some(index) = specs.iter().position(|spec| spec.name == name) else {
        let known = specs.iter().map(|spec| spec.name).collect::<Vec<_>>().join(", ");
        return Err(EngineError::UnknownJob { name: name.to_owned(), known });
    };
    engine::run_in_process(app, specs.swap_remove(index), EngineOptions::default(), stop, progress).await
}
