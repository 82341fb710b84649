//! Forgetting old reports and runs, every night.

use std::time::Duration;

use chrono_tz::UTC;
use rollcall_app::Forgotten;
use rollcall_store::jobs::Counts;

use crate::engine::{CatchUp, Ended, JobContext, JobResult, JobSpec, Schedule, job_fn};

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "housekeeping",
        description: "Removes old reports and runs of jobs, and files that failed attempts at a report have left.",
        // After the nightly report, so that there is a newer one.
        schedule: Some(Schedule { cron: "30 3 * * *", zone: UTC }),
        catch_up: CatchUp::Newest,
        timeout: Duration::from_secs(60 * 60),
        attempts: 3,
        run: job_fn(run),
        help: None,
    }
}

/// Begins from the start each time: what is gone already costs nothing.
async fn run(context: JobContext) -> JobResult {
    let cancel = context.cancel.clone();
    let stopped = move || cancel.is_cancelled();
    let forgotten = context.app.keep_house(context.fence, &stopped).await?;
    Ok(forgotten.map_or(Ended::Stopped, |forgotten| Ended::Done { outcome: counts(forgotten), report: None }))
}

fn counts(forgotten: Forgotten) -> Counts {
    let Forgotten { reports, leftovers, runs } = forgotten;
    [("reports", reports), ("leftovers", leftovers), ("runs", runs)]
        .map(|(name, count)| (name.to_owned(), count))
        .into()
}
