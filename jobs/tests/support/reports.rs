//! Runs of the report without the engine.

use std::time::Duration;

use futures::FutureExt as _;
use rollcall_app::{
    App,
    reports::{Report, ReportAttempt},
};
use rollcall_store::jobs::{self, ClaimedRun};

pub(crate) const REPORT: &str = "mixed-settings-report";

pub(crate) async fn claim(app: &App) -> ClaimedRun {
    claim_of(app, REPORT).await
}

pub(crate) async fn claim_of(app: &App, job: &str) -> ClaimedRun {
    jobs::request_run(app.db(), job).await.unwrap();
    jobs::claim_run(app.db(), job, Duration::from_secs(60)).await.unwrap().unwrap()
}

pub(crate) async fn publish(app: &App, claimed: &ClaimedRun) -> Report {
    app.publish_mixed_report(&attempt(claimed)).await.unwrap().unwrap()
}

/// Returns the first attempt of a run, without pauses.
pub(crate) fn attempt(claimed: &ClaimedRun) -> ReportAttempt<'_> {
    let pause = &|_| std::future::ready(()).boxed();
    ReportAttempt { fence: claimed.fence, run: &claimed.run, is_last: false, stopped: &|| false, pause }
}
