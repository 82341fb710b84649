//! The settings migration of the organizations in phase LEGACY up to the configured wave, each on its own (product.md
//! 7). Any number of processes share the work of a run (ADR 13).

use std::time::Duration;

use rand::seq::SliceRandom as _;
use rollcall_app::{
    Error,
    migration::{MEMBERS_TOTAL, MigrationOutcome, ORGANIZATIONS_TOTAL},
};
use rollcall_store::{
    jobs::{self, RunCounts},
    migration::{self, Taken},
};
use tokio::time::sleep;

use crate::engine::{JobCompletion, JobContext, JobError, JobResult, JobSpec, job_fn};

/// The wave up to which a run takes organizations, beside its counts.
const WAVE: &str = "migration_wave";
/// How many ids of organizations are read at a time.
const ORGANIZATIONS: i64 = 500;
/// How many organizations are counted at a time.
const COUNTED: i64 = 100;
/// How long to wait for organizations that others are at.
const OTHERS: Duration = Duration::from_millis(200);
/// How many organizations the failure names.
const NAMED: i64 = 20;

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "settings-migration",
        description: "Migrates the organizations in phase LEGACY, and proves that no member's behaviour changes.",
        // Never by itself: an organization must not be migrated before somebody asks for it.
        schedule: None,
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 5,
        run: job_fn(run),
        share: Some(job_fn(share)),
    }
}

/// Each organization is a chunk: migrated and counted, or left as it was.
async fn run(context: JobContext) -> JobResult {
    if !is_counted(&context) {
        count(&context).await?;
    }
    match take(&context, Worker::Leader).await? {
        Took::Everything => end(&context).await,
        Took::UntilStopped => Ok(JobCompletion::Stopped),
    }
}

/// Takes organizations beside the process that has claimed the run.
async fn share(context: JobContext) -> JobResult {
    // What there is to do is counted while nobody does it.
    if is_counted(&context) {
        match take(&context, Worker::Helper).await {
            Ok(_) => {}
            Err(Error::FenceLost) => tracing::debug!("the run has ended or is taken over"),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(JobCompletion::Stopped)
}

fn is_counted(context: &JobContext) -> bool {
    context.run.outcome.contains_key(ORGANIZATIONS_TOTAL)
}

/// What the run takes. Its first process decides the wave, for all that go on with it or help.
fn taken(context: &JobContext) -> Taken {
    let decided = context.run.outcome.get(WAVE).and_then(|wave| u32::try_from(*wave).ok());
    let wave = decided.unwrap_or(context.app.options().migration_wave);
    Taken { wave, asked: context.run.scheduled_for }
}

/// Counts once for a run what it has before it, and whom it passes because they wait for an operator.
async fn count(context: &JobContext) -> Result<(), JobError> {
    let (mut organizations, mut members, mut skipped) = (0, 0, 0);
    let mut after = String::new();
    loop {
        let sizes = migration::list_sizes(context.app.db(), taken(context), &after, COUNTED).await?;
        let Some(last) = sizes.last() else { break };
        after.clone_from(&last.id);
        for size in sizes {
            organizations += i64::from(size.pending);
            skipped += i64::from(!size.pending);
            members += if size.pending { size.members } else { 0 };
        }
    }
    let counts = [
        (WAVE, i64::from(taken(context).wave)),
        (ORGANIZATIONS_TOTAL, organizations),
        (MEMBERS_TOTAL, members),
        ("organizations_skipped", skipped),
    ];
    Ok(jobs::add_progress(context.app.db(), context.fence, &counts).await?)
}

/// Who takes organizations.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Worker {
    /// Whoever has claimed the run: in byte order, until nothing is left, also of what others are at.
    Leader,
    /// Anybody else: in an order of its own, so that it seldom meets others, until others are at all that is left.
    Helper,
}

enum Took {
    Everything,
    UntilStopped,
}

/// Takes one organization after the other that is still to be migrated and that nobody else is at.
async fn take(context: &JobContext, worker: Worker) -> Result<Took, Error> {
    loop {
        let mut ids = migration::list_pending(context.app.db(), taken(context), ORGANIZATIONS).await?;
        if worker == Worker::Helper {
            ids.shuffle(&mut rand::rng());
        }
        let mut all_busy = true;
        for organization in &ids {
            if context.cancel.is_cancelled() {
                return Ok(Took::UntilStopped);
            }
            match context.app.migrate_organization(organization, context.fence).await? {
                MigrationOutcome::Busy => continue,
                MigrationOutcome::Failed(reason) => {
                    tracing::error!(%organization, reason, "the organization was not migrated");
                }
                MigrationOutcome::Migrated(_) | MigrationOutcome::Done => {}
            }
            all_busy = false;
        }
        if ids.is_empty() || (all_busy && worker == Worker::Helper) {
            return Ok(Took::Everything);
        }
        if all_busy {
            sleep(OTHERS).await;
        }
    }
}

/// The run has failed if any organization has; trying again does not help, those wait for an
/// operator.
async fn end(context: &JobContext) -> JobResult {
    let stored = jobs::find_run(context.app.db(), context.run.id).await?;
    let stored = stored.map(|run| run.outcome).unwrap_or_default();
    // So that all counts are there, also those that are 0.
    let zeros = ["organizations_migrated", "organizations_failed", "members"];
    let outcome: RunCounts = zeros.map(|name| (name.to_owned(), 0)).into();
    let failed = stored.get("organizations_failed").copied().unwrap_or_default();
    if failed == 0 {
        return Ok(JobCompletion::Done { outcome, report: None });
    }
    // Whoever was at them, in whichever attempt.
    let named = migration::list_failed_since(context.app.db(), context.run.scheduled_for, NAMED).await?;
    let named: Vec<String> = named.into_iter().map(|(organization, why)| format!("{organization}: {why}")).collect();
    Err(JobError::final_failure(failure_text(failed, &named), outcome))
}

/// Names organizations that failed in this run, which may be more.
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
