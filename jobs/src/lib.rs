//! The list of jobs. Each is declared in a file of its own; the engine that runs them knows none.

pub mod engine;
mod mixed_settings_report;
mod settings_migration;

use std::future::Future;

use rollcall_app::App;
use rollcall_store::jobs::JobRun;

pub use engine::{Engine, EngineError, EngineOptions};
use engine::{JobSpec, Schedule};

/// Every job.
#[must_use]
pub fn specs() -> Vec<JobSpec> {
    vec![mixed_settings_report::spec(), settings_migration::spec()]
}

/// What is to know of a job without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobInfo {
    /// Its name, as in `jobs/{job}`.
    pub name: &'static str,
    /// When it runs by itself; `None` for only when asked.
    pub schedule: Option<Schedule>,
}

/// Every job, to be listed.
#[must_use]
pub fn all() -> Vec<JobInfo> {
    specs().iter().map(|spec| JobInfo { name: spec.name, schedule: spec.schedule }).collect()
}

/// Starts an engine with every job.
///
/// # Errors
/// A database that fails.
pub async fn start(app: App) -> Result<Engine, EngineError> {
    Engine::start(app, specs(), EngineOptions::default()).await
}

/// Runs one job once in this process; see [`engine::run_requested`].
///
/// # Errors
/// An unknown job, a run of it that is under way elsewhere, or a database that fails.
pub async fn run_requested(
    app: &App,
    name: &str,
    stop: impl Future<Output = ()>,
    progress: impl FnMut(&JobRun),
) -> Result<JobRun, EngineError> {
    let spec = specs().into_iter().find(|spec| spec.name == name);
    let unknown = || EngineError::UnknownJob {
        name: name.to_owned(),
        known: specs().iter().map(|spec| spec.name).collect::<Vec<_>>().join(", "),
    };
    let spec = spec.ok_or_else(unknown)?;
    engine::run_requested(app, spec, EngineOptions::default(), stop, progress).await
}
