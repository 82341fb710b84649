//! Runs of the report without the engine.

use std::time::Duration;

use rollcall_app::{App, reports::Report};
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
    app.publish_mixed_report(claimed.fence, &claimed.run, &|| false).await.unwrap().unwrap()
}
