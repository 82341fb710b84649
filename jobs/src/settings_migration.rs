//! The settings migration of the organizations in phase LEGACY up to the configured wave, each in its own transaction
//! (product.md 7). Any number of processes share the work of a run (ADR 13).

use std::time::Duration;

use rand::seq::SliceRandom as _;
use rollcall_app::{
    Error,
    migration::{MEMBERS_TOTAL, MigrationOutcome, ORGANIZATIONS_TOTAL},
};
use rollcall_domain::migration::MigrationScope;
use rollcall_store::{jobs, migration};
use tokio::time::sleep;

use crate::engine::{JobCompletion, JobContext, JobError, JobResult, JobSpec, job_fn, to_run_counts};

/// The count of a run that holds the last wave that the run migrates.
const WAVE: &str = "migration_wave";
/// How many ids of organizations are read at a time.
const ID_BATCH: i64 = 500;
/// How many organizations are counted at a time.
const COUNT_BATCH: i64 = 100;
/// How long to wait while other workers have locked all organizations that are left.
const BUSY_PAUSE: Duration = Duration::from_millis(200);
/// How many failed organizations the failure of the run names at most.
const NAMED_MAX: i64 = 20;

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "settings-migration",
        description: "Migrates the organizations in phase LEGACY, and proves that no member's behaviour changes.",
        // No schedule: an operator decides when organizations are migrated.
        schedule: None,
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 5,
        run: job_fn(run),
        share: Some(job_fn(share)),
    }
}

/// Migrates all organizations in the scope of the run. One organization is one chunk.
async fn run(context: JobContext) -> JobResult {
    if !is_counted(&context) {
        count(&context).await?;
    }
    match migrate_pending(&context, Worker::LeaseHolder).await? {
        WorkerEnd::Finished => end(&context).await,
        WorkerEnd::Stopped => Ok(JobCompletion::Stopped),
    }
}

/// Migrates organizations in a process that has not claimed the run.
async fn share(context: JobContext) -> JobResult {
    // A helper waits until the work is counted, because migrated organizations are no longer counted.
    if is_counted(&context) {
        match migrate_pending(&context, Worker::Helper).await {
            Ok(_) => {}
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
    MigrationScope { wave, requested_at: context.run.scheduled_for }
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

/// A process that migrates organizations of the run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worker {
    /// The process that has claimed the run. It goes through the organizations in byte order, until all are migrated.
    LeaseHolder,
    /// Any other process. It shuffles the organizations to avoid contending for the same one, and ends when other
    /// workers have locked all organizations that are left.
    Helper,
}

/// How a worker ended.
enum WorkerEnd {
    /// Nothing is left for this worker.
    Finished,
    /// The run was cancelled, or the process stops.
    Stopped,
}

/// Migrates the pending organizations of the run one by one, and passes those that another worker has locked.
async fn migrate_pending(context: &JobContext, worker: Worker) -> Result<WorkerEnd, Error> {
    loop {
        let mut ids = migration::list_pending(context.app.db(), scope(context), ID_BATCH).await?;
        if worker == Worker::Helper {
            ids.shuffle(&mut rand::rng());
        }
        let mut all_busy = true;
        for organization in &ids {
            if context.cancel.is_cancelled() {
                return Ok(WorkerEnd::Stopped);
            }
            match context.app.migrate_organization(organization, scope(context), context.fence).await? {
                MigrationOutcome::Busy => continue,
                MigrationOutcome::Failed(reason) => {
                    tracing::error!(%organization, reason, "the organization was not migrated");
                }
                MigrationOutcome::Migrated(_) | MigrationOutcome::NotPending => {}
            }
            all_busy = false;
        }
        if ids.is_empty() || (all_busy && worker == Worker::Helper) {
            return Ok(WorkerEnd::Finished);
        }
        if all_busy {
            sleep(BUSY_PAUSE).await;
        }
    }
}

/// Ends the run, which fails if organizations are failed now: an operator may have retried some of those that failed
/// during the run. The run is not attempted again, because failed organizations wait for an operator.
async fn end(context: &JobContext) -> JobResult {
    let stored = jobs::find_run(context.app.db(), context.run.id).await?;
    let stored = stored.map(|run| run.outcome).unwrap_or_default();
    // The outcome contains every count, also a count of 0.
    let mut outcome = to_run_counts([("organizations_migrated", 0), ("members", 0)]);
    // These include the organizations that other workers and earlier attempts marked as failed.
    let failed = migration::count_failed_since(context.app.db(), context.run.scheduled_for).await?;
    let repaired = stored.get("organizations_failed").copied().unwrap_or_default() - failed;
    outcome.insert("organizations_failed".to_owned(), -repaired);
    if failed == 0 {
        return Ok(JobCompletion::Done { outcome, report: None });
    }
    let named = migration::list_failed_since(context.app.db(), context.run.scheduled_for, NAMED_MAX).await?;
    let named: Vec<String> =
        named.into_iter().map(|(organization, reason)| format!("{organization}: {reason}")).collect();
    Err(JobError::final_failure(failure_text(failed, &named), outcome))
}

/// Returns the failure of a run in which `failed` organizations failed. `named` may be only some of them.
fn failure_text(failed: i64, named: &[String]) -> String {
    let mut text = match failed {
        1 => "1 organization was not migrated".to_owned(),
        _ => format!("{failed} organizations were not migrated"),
    };
    if !named.is_empty() {
        text.push_str(": ");
        text.push_str(&named.join("; "));
    }
    let rest = failed - i64::try_from(named.len()).unwrap_or(failed);
    if !named.is_empty() && rest > 0 {
        text.push_str(&format!("; and {rest} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::failure_text;

    #[test]
    fn a_failure_says_how_many_more_there_are_than_it_names() {
        let named: Vec<String> = (0..20).map(|n| format!("org-{n}: no")).collect();
        let text = failure_text(25, &named);
        assert!(text.starts_with("25 organizations were not migrated: org-0: no; org-1: no"));
        assert!(text.ends_with("org-19: no; and 5 more"), "{text}");
        assert_eq!(failure_text(1, &named[..1]), "1 organization was not migrated: org-0: no");
        assert_eq!(failure_text(2, &[]), "2 organizations were not migrated");
    }
}
