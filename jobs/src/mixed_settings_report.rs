//! The nightly report of the assignments whose members still have mixed settings (product.md 8).

use std::time::Duration;

use chrono_tz::UTC;
use rollcall_app::reports::{MIXED_REPORT_JOB, Published, Report};
use rollcall_store::jobs::Counts;

use crate::engine::{CatchUp, Ended, JobContext, JobResult, JobSpec, Schedule, job_fn};

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: MIXED_REPORT_JOB,
        description: "Writes the CSV of the assignments whose members still have mixed email export settings.",
        schedule: Some(Schedule { cron: "0 2 * * *", zone: UTC }),
        // Two reports on the same data would say the same.
        catch_up: CatchUp::Newest,
        timeout: Duration::from_secs(60 * 60),
        attempts: 3,
        run: job_fn(run),
        help: None,
    }
}

/// Nothing of a report that was begun can be used, so that an attempt begins from the start.
async fn run(context: JobContext) -> JobResult {
    let cancel = context.cancel.clone();
    let stopped = move || cancel.is_cancelled();
    let published = context.app.publish_mixed_report(context.fence, &context.run, &stopped).await?;
    Ok(match published {
        Published::Report(report) => Ended::Done { outcome: counts(&report), report: Some(report.id) },
        Published::Stopped => Ended::Stopped,
    })
}

fn counts(report: &Report) -> Counts {
    [
        ("rows", report.rows),
        ("organizations", report.organizations.into()),
        ("legacy_organizations", report.legacy_organizations.into()),
        ("mixed_assignments", report.mixed_assignments.into()),
    ]
    .map(|(name, count)| (name.to_owned(), count))
    .into()
}
