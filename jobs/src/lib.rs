//! The list of jobs. Each is declared in a file of its own; the engine that runs them knows none.

pub mod engine;
mod housekeeping;
mod mixed_settings_report;
mod settings_migration;

use std::future::Future;

use rollcall_app::{App, jobs::JobInfo};
use rollcall_store::jobs::JobRun;

use engine::JobSpec;
pub use engine::{Engine, EngineError, EngineOptions};

/// Every job.
#[must_use]
pub fn specs() -> Vec<JobSpec> {
    vec![housekeeping::spec(), mixed_settings_report::spec(), settings_migration::spec()]
}

/// Every job, to be listed.
#[must_use]
pub fn all() -> Vec<JobInfo> {
    specs().iter().map(JobSpec::info).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_job_can_be_listed_with_its_next_run() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        for job in all() {
            assert!(!job.description.is_empty(), "{}", job.name);
            let Some(schedule) = job.schedule else { continue };
            assert_eq!(schedule.cron.split_whitespace().count(), 5, "{}", job.name);
            assert!((schedule.next)(now) > Some(now), "{}", job.name);
        }
    }
}
