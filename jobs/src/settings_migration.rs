//! The settings migration of the organizations in phase LEGACY up to the configured wave, each in its own transaction
//! (product.md 7). Any number of processes share the work of a run (ADR 13).

mod run_end;
mod worker;

use std::time::Duration;

use rollcall_app::{
    Error,
    migration::{MEMBERS_TOTAL, ORGANIZATIONS_TOTAL},
};
use rollcall_domain::migration::MigrationScope;
use rollcall_store::{jobs, migration};

use self::{
    run_end::end,
    worker::{Role, Worker, WorkerEnd},
};
use crate::engine::{DEFAULT_MAX_BACKOFF, JobCompletion, JobContext, JobError, JobResult, JobSpec, job_fn};

/// The count of a run that holds the last wave that the run migrates.
const WAVE: &str = "migration_wave";
/// How many organizations are counted at a time.
const COUNT_BATCH: i64 = 100;

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "settings-migration",
        description: "Migrates the organizations in phase LEGACY, and proves that no member's behaviour changes.",
        // No schedule: an operator decides when organizations are migrated.
        schedule: None,
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 5,
        max_backoff: DEFAULT_MAX_BACKOFF,
        run: job_fn(run),
        share: Some(job_fn(share)),
    }
}

/// Migrates all organizations in the scope of the run. One organization is one chunk.
async fn run(context: JobContext) -> JobResult {
    if !is_counted(&context) {
        count(&context).await?;
    }
    match Worker::new(&context, Role::LeaseHolder).run().await? {
        WorkerEnd::Finished { stop, unrecorded } => end(&context, stop, unrecorded).await,
        WorkerEnd::Stopped => Ok(JobCompletion::Stopped),
        WorkerEnd::GaveUp(error) => Err(error),
    }
}

/// Migrates organizations in a process that has not claimed the run.
async fn share(context: JobContext) -> JobResult {
    // A helper waits until the work is counted, because migrated organizations are no longer counted.
    if is_counted(&context) {
        match Worker::new(&context, Role::Helper).run().await {
            Ok(WorkerEnd::GaveUp(error)) => return Err(error),
            Ok(WorkerEnd::Finished { .. } | WorkerEnd::Stopped) => {}
            Err(Error::FenceLost) => tracing::debug!("the run has ended, or another process has claimed it"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(JobCompletion::Stopped)
}

fn is_counted(context: &JobContext) -> bool {
    context.run.outcome.contains_key(ORGANIZATIONS_TOTAL)
}

/// Returns which organizations the run migrates. The process that counts the work decides the wave, and stores it for
/// the processes that help or continue.
fn scope(context: &JobContext) -> MigrationScope {
    let stored = context.run.outcome.get(WAVE).and_then(|wave| u32::try_from(*wave).ok());
    let wave = stored.unwrap_or(context.app.options().migration_wave);
    MigrationScope { run: context.run.id, wave, requested_at: context.run.scheduled_for }
}

/// Counts the work of a run, and the organizations that it skips because they wait for an operator.
async fn count(context: &JobContext) -> Result<(), JobError> {
    let (mut organizations, mut members, mut skipped) = (0, 0, 0);
    let mut after = String::new();
    loop {
        let sizes = migration::list_sizes(context.app.db(), scope(context), &after, COUNT_BATCH).await?;
        let Some(last) = sizes.last() else { break };
        after.clone_from(&last.id);
        for size in sizes {
            organizations += i64::from(size.pending);
            skipped += i64::from(!size.pending);
            members += if size.pending { size.members } else { 0 };
        }
    }
    let counts = [
        (WAVE, i64::from(scope(context).wave)),
        (ORGANIZATIONS_TOTAL, organizations),
        (MEMBERS_TOTAL, members),
        ("organizations_skipped", skipped),
    ];
    Ok(jobs::add_progress(context.app.db(), context.fence, &counts).await?)
}
