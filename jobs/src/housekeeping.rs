//! The nightly job that deletes old reports and runs.

use std::time::Duration;

use rollcall_app::PruneCounts;
use rollcall_store::jobs::RunCounts;

use crate::engine::{JobCompletion, JobContext, JobResult, JobSpec, Schedule, TimeZone, job_fn};

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "housekeeping",
        description: "Removes old reports and runs of jobs, and files that failed attempts at a report have left.",
        schedule: Some(Schedule { cron: "30 3 * * *".into(), time_zone: TimeZone::UTC }),
        timeout: Duration::from_secs(60 * 60),
        attempts: 3,
        run: job_fn(run),
        share: None,
    }
}

/// Each attempt begins again: what an earlier attempt deleted is not found any more.
async fn run(context: JobContext) -> JobResult {
    let cancel = context.cancel.clone();
    let stopped = move || cancel.is_cancelled();
    let deleted = context.app.prune(context.fence, &stopped).await?;
    Ok(match deleted {
        Some(deleted) => JobCompletion::Done { outcome: counts(deleted), report: None },
        None => JobCompletion::Stopped,
    })
}

fn counts(deleted: PruneCounts) -> RunCounts {
    let PruneCounts { reports, leftovers, runs } = deleted;
    [("reports", reports), ("leftovers", leftovers), ("runs", runs)]
        .map(|(name, count)| (name.to_owned(), count))
        .into()
}
