//! Publishing the mixed-settings report: the data, then the manifest, then the row that makes it
//! known. The files of an attempt lie under its fence, so that two attempts never share one.

use chrono::SecondsFormat;
use rollcall_domain::Timestamp;
use rollcall_store::{
    Fence,
    jobs::{self, JobRun},
    reports::{self, NewReport, Report},
};
use serde::Serialize;

use super::{
    csv::MIXED_COLUMNS,
    mixed::{OrganizationCounts, Totals, write_rows},
    upload::Uploaded,
};
use crate::{App, Error, Result};

/// The name of the data file.
pub const MIXED_FILE: &str = "mixed-settings.csv";
/// The name of the manifest.
pub const MANIFEST_FILE: &str = "manifest.json";

/// What came of publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The report of this run.
    Report(Report),
    /// It was stopped; nothing is known of it.
    Stopped,
}

/// What lies beside the data, written after it.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    schema_version: u32,
    report: &'a str,
    run: String,
    file: &'a str,
    columns: &'a [&'a str],
    data_as_of: String,
    rows: u64,
    bytes: u64,
    sha256: &'a str,
    organization_count: usize,
    legacy_organization_count: u32,
    mixed_assignment_count: u32,
    organizations: &'a [OrganizationCounts],
}

impl App {
    /// Writes and publishes the mixed-settings report of a run. A run publishes once: a later
    /// attempt answers what an earlier one has published.
    ///
    /// # Errors
    /// A lost lease, or a database or report store that fails; then nothing is published.
    pub async fn publish_mixed_report(
        &self,
        fence: Fence,
        run: &JobRun,
        stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Published> {
        if let Some(report) = reports::find_report_of_run(&self.db, run.id).await? {
            return Ok(Published::Report(report));
        }
        let id = report_id(run.scheduled_for);
        let path = format!("mixed-settings/{id}/{}", fence.number);
        // Before the first snapshot, so that nothing older than this is missing.
        let data_as_of = jobs::clock(&self.db).await?;
        let Some((data, totals)) = self.write_data(&path, stopped).await? else {
            return Ok(Published::Stopped);
        };
        let manifest = Manifest {
            schema_version: 1,
            report: &id,
            run: format!("jobs/{}/runs/{}", run.job, run.id),
            file: MIXED_FILE,
            columns: &MIXED_COLUMNS,
            data_as_of: data_as_of.to_rfc3339_opts(SecondsFormat::Micros, true),
            rows: totals.rows,
            bytes: data.bytes,
            sha256: &data.sha256,
            organization_count: totals.organizations.len(),
            legacy_organization_count: totals.legacy,
            mixed_assignment_count: totals.mixed_assignments,
            organizations: &totals.organizations,
        };
        self.write_manifest(&path, &manifest).await?;
        let new = new_report(id, path, data_as_of, data, &totals);
        Ok(Published::Report(reports::insert_report(&self.db, fence, &new).await?))
    }

    async fn write_data(
        &self,
        path: &str,
        stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<(Uploaded, Totals)>> {
        let mut upload = self.reports.begin(&format!("{path}/{MIXED_FILE}")).await?;
        match write_rows(&self.db, &mut upload, stopped).await {
            Ok(Some(totals)) => Ok(Some((upload.finish().await?, totals))),
            Ok(None) => {
                upload.abort().await;
                Ok(None)
            }
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }

    async fn write_manifest(&self, path: &str, manifest: &Manifest<'_>) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| Error::Internal(error.into()))?;
        text.push(b'\n');
        let mut upload = self.reports.begin(&format!("{path}/{MANIFEST_FILE}")).await?;
        match upload.put(text.into()).await {
            Ok(()) => upload.finish().await.map(drop),
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }
}

fn new_report(id: String, path: String, data_as_of: Timestamp, data: Uploaded, totals: &Totals) -> NewReport {
    NewReport {
        id,
        path,
        data_as_of,
        rows: totals.rows.cast_signed(),
        bytes: data.bytes.cast_signed(),
        sha256: data.sha256,
        organizations: i32::try_from(totals.organizations.len()).unwrap_or(i32::MAX),
        legacy_organizations: totals.legacy.cast_signed(),
        mixed_assignments: totals.mixed_assignments.cast_signed(),
    }
}

/// A run's report by the time that the run is for, to the microsecond where it has any: no two
/// runs of a job are for the same one.
fn report_id(scheduled_for: Timestamp) -> String {
    let whole = scheduled_for.timestamp_subsec_micros() == 0;
    let format = if whole { "%Y%m%dt%H%M%Sz" } else { "%Y%m%dt%H%M%S-%6fz" };
    format!("mixed-settings-{}", scheduled_for.format(format))
}

#[cfg(test)]
mod tests {
    use super::report_id;

    #[test]
    fn a_report_is_called_by_the_time_that_it_is_for() {
        let nightly = report_id("2026-11-22T02:00:00Z".parse().unwrap());
        assert_eq!(nightly, "mixed-settings-20261122t020000z");
        let requested = report_id("2026-11-22T10:15:30.048291Z".parse().unwrap());
        assert_eq!(requested, "mixed-settings-20261122t101530-048291z");
    }
}
