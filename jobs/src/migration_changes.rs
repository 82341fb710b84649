//! Changes the migrations of many organizations, as a call of `ChangeMigrations` has requested: retries, rollbacks or
//! another wave (ADR 23). The request is the input of the run.

use std::time::Duration;

use rollcall_app::migration::{CHANGES_JOB, ORGANIZATIONS_TOTAL};
use rollcall_store::jobs::{self, RunCounts};

use crate::engine::{
    DEFAULT_MAX_BACKOFF, JobCompletion, JobContext, JobError, JobResult, JobSpec, job_fn, to_run_counts,
};

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: CHANGES_JOB,
        description: "Retries or rolls back the migrations of many organizations, or sets their wave, on request.",
        schedule: None,
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 5,
        max_backoff: DEFAULT_MAX_BACKOFF,
        run: job_fn(run),
        // The work on each organization is short. One process keeps the order and the position simple.
        share: None,
    }
}

/// Changes the selected organizations one by one. One organization is one chunk.
async fn run(context: JobContext) -> JobResult {
    let (app, fence) = (&context.app, context.fence);
    let Some(mut changes) = app.find_migration_changes(context.run.id).await? else {
        let message = "the run does not say what to change; request it with ChangeMigrations or `rollcall migration`";
        return Err(JobError::final_failure(message, RunCounts::new()));
    };
    if !context.run.outcome.contains_key(ORGANIZATIONS_TOTAL) {
        let total = app.count_migrations_to_change(&changes).await?;
        jobs::add_progress(app.db(), fence, &[(ORGANIZATIONS_TOTAL, total)]).await?;
    }
    loop {
        let organizations = app.list_migrations_to_change(&changes).await?;
        if organizations.is_empty() {
            break;
        }
        for organization in organizations {
            if context.cancel.is_cancelled() {
                return Ok(JobCompletion::Stopped);
            }
            app.change_migration_in_run(&mut changes, organization, fence).await?;
        }
    }
    // Each organization has counted itself. The outcome contains every count, also a count of 0.
    let counts = ["organizations_changed", "organizations_unchanged", "organizations_refused"];
    Ok(JobCompletion::Done { outcome: to_run_counts(counts.map(|name| (name, 0))), report: None })
}
