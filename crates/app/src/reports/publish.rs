//! Publishing the mixed-settings report: the tables, then the manifest, then the row that makes it
//! known, then `latest.json`. The files of an attempt lie under its fence, so that two attempts
//! never share one.

use rollcall_domain::Timestamp;
use rollcall_store::{
    Fence,
    jobs::{self, JobRun},
    reports::{self, NewReport, Report, ReportFile, ReportFiles},
};
use serde::Serialize;

use super::{
    CHANGES_FILE, MANIFEST_FILE, MIXED_FILE, REPORT_FOLDER, SCHEMA_FILE,
    changes::Changes,
    csv::{CHANGES_COLUMNS, MIXED_COLUMNS},
    manifest::{Manifest, ManifestChanges, ManifestFile, rfc3339},
    mixed::{Tables, Written},
    upload::Uploaded,
};
use crate::{App, Error, Result};

/// What the columns of the data file mean, in the form of a Frictionless Table Schema.
const SCHEMA: &str = include_str!("mixed-settings.schema.json");

/// What came of publishing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// The report of this run.
    Report(Report),
    /// It was stopped; nothing is known of it.
    Stopped,
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
            self.point_to_latest_report().await?;
            return Ok(Published::Report(report));
        }
        let id = report_id(run.scheduled_for);
        let path = format!("{}/{}", report_folder(run.scheduled_for), fence.number);
        // Before the first snapshot, so that nothing older than this is missing.
        let data_as_of = jobs::clock(&self.db).await?;
        let Some(written) = self.write_tables(&path, stopped).await? else {
            return Ok(Published::Stopped);
        };
        let schema = self.write_file(&path, SCHEMA_FILE, SCHEMA.into()).await?;
        let manifest = manifest(&id, run, data_as_of, &written, schema);
        let text = render(&manifest)?;
        let written = self.write_file(&path, MANIFEST_FILE, text).await?;
        let new = new_report(id, path, data_as_of, &manifest, written);
        let report = reports::insert_report(&self.db, fence, &new).await?;
        self.point_to_latest_report().await?;
        Ok(Published::Report(report))
    }

    async fn write_tables(&self, path: &str, stopped: &(dyn Fn() -> bool + Send + Sync)) -> Result<Option<Written>> {
        let before = reports::find_newest_report(&self.db).await?;
        let upload = self.reports.begin(&format!("{path}/{MIXED_FILE}")).await?;
        let changes = Changes::begin(&self.reports, path, before.as_ref()).await?;
        Tables::new(&self.db, upload, changes).write(stopped).await
    }

    async fn write_file(&self, path: &str, file: &str, text: Vec<u8>) -> Result<Uploaded> {
        let mut upload = self.reports.begin(&format!("{path}/{file}")).await?;
        match upload.put(text.into()).await {
            Ok(()) => upload.finish().await,
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }
}

fn manifest(id: &str, run: &JobRun, data_as_of: Timestamp, written: &Written, schema: Uploaded) -> Manifest {
    let (data, totals, changed) = (&written.data, &written.totals, &written.changed);
    let names = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
    let table = |file: &str, uploaded: &Uploaded, rows, columns: &[&str]| ManifestFile {
        rows: Some(rows),
        columns: Some(names(columns)),
        ..plain(file, uploaded.clone())
    };
    let changes = changed.newly_mixed + changed.resolved;
    Manifest {
        schema_version: 1,
        report: id.to_owned(),
        run: rollcall_domain::names::job_run(&run.job, run.id),
        file: MIXED_FILE.to_owned(),
        columns: names(&MIXED_COLUMNS),
        data_as_of: rfc3339(data_as_of),
        rows: totals.rows,
        bytes: data.bytes,
        sha256: data.sha256.clone(),
        files: vec![
            table(MIXED_FILE, data, totals.rows, &MIXED_COLUMNS),
            table(CHANGES_FILE, &written.changes, changes, &CHANGES_COLUMNS),
            plain(SCHEMA_FILE, schema),
        ],
        changes: ManifestChanges {
            since: changed.since.clone(),
            newly_mixed: changed.newly_mixed,
            resolved: changed.resolved,
        },
        organization_count: totals.organizations.len(),
        legacy_organization_count: totals.legacy,
        mixed_assignment_count: totals.mixed_assignments,
        organizations: totals.organizations.clone(),
    }
}

fn plain(file: &str, uploaded: Uploaded) -> ManifestFile {
    let Uploaded { bytes, sha256 } = uploaded;
    ManifestFile { file: file.to_owned(), bytes, sha256, rows: None, columns: None }
}

fn new_report(id: String, path: String, data_as_of: Timestamp, manifest: &Manifest, written: Uploaded) -> NewReport {
    let mut files: Vec<ReportFile> = manifest.files.iter().map(ReportFile::from).collect();
    files.push((&plain(MANIFEST_FILE, written)).into());
    NewReport {
        id,
        path,
        data_as_of,
        rows: manifest.rows.cast_signed(),
        bytes: manifest.bytes.cast_signed(),
        sha256: manifest.sha256.clone(),
        organizations: i32::try_from(manifest.organization_count).unwrap_or(i32::MAX),
        legacy_organizations: manifest.legacy_organization_count.cast_signed(),
        mixed_assignments: manifest.mixed_assignment_count.cast_signed(),
        files: ReportFiles(files),
    }
}

fn render(manifest: &impl Serialize) -> Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(manifest).map_err(|error| Error::Internal(error.into()))?;
    text.push(b'\n');
    Ok(text)
}

/// A run's report by the time that the run is for, to the microsecond where it has any: no two
/// runs of a job are for the same one.
/// Where each attempt of the run for this time has its folder.
pub(crate) fn report_folder(scheduled_for: Timestamp) -> String {
    format!("{REPORT_FOLDER}/{}", report_id(scheduled_for))
}

fn report_id(scheduled_for: Timestamp) -> String {
    let whole = scheduled_for.timestamp_subsec_micros() == 0;
    let format = if whole { "%Y%m%dt%H%M%Sz" } else { "%Y%m%dt%H%M%S-%6fz" };
    format!("{REPORT_FOLDER}-{}", scheduled_for.format(format))
}

#[cfg(test)]
mod tests {
    use super::{MIXED_COLUMNS, SCHEMA, report_id};

    #[test]
    fn the_schema_describes_every_column_in_order() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let fields = schema["fields"].as_array().unwrap();
        let names: Vec<&str> = fields.iter().map(|field| field["name"].as_str().unwrap()).collect();
        assert_eq!(names, MIXED_COLUMNS);
        for field in fields {
            assert!(field["description"].as_str().unwrap().ends_with('.') && field["type"].is_string(), "{field}");
        }
    }

    #[test]
    fn a_report_is_called_by_the_time_that_it_is_for() {
        let nightly = report_id("2026-11-22T02:00:00Z".parse().unwrap());
        assert_eq!(nightly, "mixed-settings-20261122t020000z");
        let requested = report_id("2026-11-22T10:15:30.048291Z".parse().unwrap());
        assert_eq!(requested, "mixed-settings-20261122t101530-048291z");
    }
}
