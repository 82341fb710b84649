//! The nightly job that compares the stored data of the organizations with the rules (product.md 9). It checks the
//! organizations one by one, and repairs nothing.

use std::time::Duration;

use chrono::TimeDelta;
use rollcall_app::Error;
use rollcall_domain::OrganizationId;
use rollcall_store::self_check;

use crate::engine::{
    DEFAULT_MAX_BACKOFF, JobCompletion, JobContext, JobError, JobResult, JobSpec, Schedule, TimeZone, job_fn,
    to_run_counts,
};

/// How old the last check of an unchanged organization is when the organization is checked again: every seventh night,
/// also if that night's run begins a little earlier than the run a week before has ended.
const UNCHANGED: TimeDelta = TimeDelta::hours(7 * 24 - 12);
/// How many ids of organizations are read at a time.
const ID_BATCH: i64 = 500;
/// How many organizations that could not be checked the failure of the run names at most.
const NAMED_MAX: usize = 20;

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "self-check",
        description: "Compares the stored data of the organizations with the rules, and reports differences.",
        schedule: Some(Schedule { cron: "0 4 * * *".into(), time_zone: TimeZone::UTC }),
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 3,
        max_backoff: DEFAULT_MAX_BACKOFF,
        run: job_fn(run),
        share: None,
    }
}

/// Checks the organizations that have changed since their last check, and those whose last check is a week old. A later
/// attempt passes the organizations that an earlier one has checked, unless they have changed again.
async fn run(context: JobContext) -> JobResult {
    let (before, stopped) = (context.run.scheduled_for - UNCHANGED, || context.cancel.is_cancelled());
    let (mut after, mut unreadable) = (String::new(), Vec::new());
    loop {
        let due = self_check::list_due(context.app.db(), &after, before, ID_BATCH).await?;
        let Some(last) = due.last() else { break };
        after = last.to_string();
        for organization in due {
            if stopped() {
                return Ok(JobCompletion::Stopped);
            }
            match context.app.check_organization_in_run(&organization, context.fence, &stopped).await {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(JobCompletion::Stopped),
                // The other organizations must not wait for this one.
                Err(error @ Error::Internal(_)) => {
                    let cause = &error as &dyn std::error::Error;
                    tracing::error!(%organization, error = cause, "the organization could not be checked");
                    unreadable.push(organization);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
    end(&unreadable)
}

/// Ends the run, which fails if organizations could not be checked. The next attempt checks only these again.
fn end(unreadable: &[OrganizationId]) -> JobResult {
    if unreadable.is_empty() {
        // Each check has counted itself. The outcome contains every count, also a count of 0.
        let outcome = to_run_counts([("organizations_checked", 0), ("differences", 0)]);
        return Ok(JobCompletion::Done { outcome, report: None });
    }
    let named: Vec<&str> = unreadable.iter().take(NAMED_MAX).map(OrganizationId::as_str).collect();
    let more = if unreadable.len() > named.len() { " and others" } else { "" };
    let count = match unreadable.len() {
        1 => "1 organization".to_owned(),
        count => format!("{count} organizations"),
    };
    Err(JobError::retryable(format!("{count} could not be checked: {}{more}; the log says why", named.join(", "))))
}
