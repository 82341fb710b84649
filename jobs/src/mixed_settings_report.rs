//! The nightly report of the assignments whose members have mixed email export settings (product.md 8).

use std::time::Duration;

use futures::FutureExt as _;
use rollcall_app::reports::{MIXED_REPORT_JOB, ReportAttempt};

use crate::engine::{JobCompletion, JobContext, JobResult, JobSpec, Schedule, job_fn, to_run_counts};

/// How many attempts a run has, and the longest time between two of them. Together the attempts last about four hours.
const ATTEMPTS: u32 = 20;
const MAX_BACKOFF: Duration = Duration::from_secs(30 * 60);

/// The job.
pub(crate) fn spec(schedule: Schedule) -> JobSpec {
    JobSpec {
        name: MIXED_REPORT_JOB,
        description: "Writes the CSV of the assignments whose members still have mixed email export settings.",
        schedule: Some(schedule),
        timeout: Duration::from_secs(60 * 60),
        attempts: ATTEMPTS,
        max_backoff: MAX_BACKOFF,
        run: job_fn(run),
        share: None,
    }
}

/// Each attempt begins again, because the unfinished files of an earlier attempt cannot be used.
async fn run(context: JobContext) -> JobResult {
    let stopped = || context.cancel.is_cancelled();
    let pause = |faults| context.pause_after_fault(faults).boxed();
    let is_last = context.run.attempt.unsigned_abs() >= ATTEMPTS;
    let attempt = ReportAttempt { fence: context.fence, run: &context.run, is_last, stopped: &stopped, pause: &pause };
    let published = context.app.publish_mixed_report(&attempt).await?;
    let Some(report) = published else { return Ok(JobCompletion::Stopped) };
    let counts = [
        ("rows", report.rows),
        ("organizations", report.organizations.into()),
        ("legacy_organizations", report.legacy_organizations.into()),
        ("mixed_assignments", report.mixed_assignments.into()),
        // `rollcall job run` fails if a run counts failures.
        ("organizations_failed", i64::try_from(report.missing_organizations.0.len()).unwrap_or(i64::MAX)),
    ];
    Ok(JobCompletion::Done { outcome: to_run_counts(counts), report: Some(report.id) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineOptions;

    #[test]
    fn a_report_that_fails_as_a_whole_is_tried_again_for_hours() {
        let backoff = |attempt| EngineOptions::default().backoff_after(attempt, MAX_BACKOFF);
        let attempts = i32::try_from(ATTEMPTS).unwrap();
        let total: Duration = (1..attempts).map(backoff).sum();
        let hour = Duration::from_secs(60 * 60);
        assert!((2 * hour..6 * hour).contains(&total), "{total:?}");
    }
}
