//! The nightly report of the assignments whose members have mixed email export settings (product.md 8).

use std::time::Duration;

use rollcall_app::reports::MIXED_REPORT_JOB;

use crate::engine::{JobCompletion, JobContext, JobResult, JobSpec, Schedule, job_fn, to_run_counts};

/// The job.
pub(crate) fn spec(schedule: Schedule) -> JobSpec {
    JobSpec {
        name: MIXED_REPORT_JOB,
        description: "Writes the CSV of the assignments whose members still have mixed email export settings.",
        schedule: Some(schedule),
        timeout: Duration::from_secs(60 * 60),
        attempts: 3,
        run: job_fn(run),
        share: None,
    }
}

/// Each attempt begins again, because the unfinished files of an earlier attempt cannot be used.
async fn run(context: JobContext) -> JobResult {
    let stopped = || context.cancel.is_cancelled();
    let published = context.app.publish_mixed_report(context.fence, &context.run, &stopped).await?;
    let Some(report) = published else { return Ok(JobCompletion::Stopped) };
    let counts = [
        ("rows", report.rows),
        ("organizations", report.organizations.into()),
        ("legacy_organizations", report.legacy_organizations.into()),
        ("mixed_assignments", report.mixed_assignments.into()),
    ];
    Ok(JobCompletion::Done { outcome: to_run_counts(counts), report: Some(report.id) })
}
