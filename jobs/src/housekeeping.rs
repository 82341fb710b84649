//! The nightly job that deletes old reports and runs.

use std::time::Duration;

use rollcall_app::PruneCounts;

use crate::engine::{
    DEFAULT_MAX_BACKOFF, JobCompletion, JobContext, JobResult, JobSpec, Schedule, TimeZone, job_fn, to_run_counts,
};

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "housekeeping",
        description: "Removes old reports and runs of jobs, and files that failed attempts at a report have left.",
        schedule: Some(Schedule { cron: "30 3 * * *".into(), time_zone: TimeZone::UTC }),
        timeout: Duration::from_secs(60 * 60),
        attempts: 3,
        max_backoff: DEFAULT_MAX_BACKOFF,
        run: job_fn(run),
        share: None,
    }
}

/// Each attempt begins again: what an earlier attempt deleted is not found any more.
async fn run(context: JobContext) -> JobResult {
    let deleted = context.app.prune(context.fence, &|| context.cancel.is_cancelled()).await?;
    let Some(PruneCounts { reports, leftovers, runs }) = deleted else { return Ok(JobCompletion::Stopped) };
    let counts = [("reports", reports), ("leftovers", leftovers), ("runs", runs)];
    Ok(JobCompletion::Done { outcome: to_run_counts(counts), report: None })
}
