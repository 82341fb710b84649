//! Publishing the mixed-settings report: first the tables, then the manifest, then the row that publishes it, then
//! `latest.json`. Each attempt writes to a folder of its own, which is named after its fence.

use rollcall_domain::Timestamp;
use rollcall_store::{
    Fence,
    jobs::{self, JobRun},
    reports::{self, NewReport, Report, ReportFile, ReportFiles},
};
use serde::Serialize;

use super::{
    changes::ChangesWriter,
    changes_table::CHANGES_COLUMNS,
    errors::internal,
    layout::{CHANGES_FILE, MANIFEST_FILE, MIXED_FILE, SCHEMA_FILE, report_folder, report_id},
    manifest::{Manifest, ManifestChanges, ManifestFile, rfc3339},
    mixed_table::MIXED_COLUMNS,
    tables::{TablesWriter, WrittenTables},
    upload::Uploaded,
};
use crate::{App, Result};

/// The description of the data file's columns, as a Frictionless Table Schema.
const SCHEMA: &str = include_str!("mixed-settings.schema.json");

/// The result of publishing a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportPublication {
    /// The report of the run.
    Published(Report),
    /// The attempt was stopped, and published nothing.
    Stopped,
}

impl App {
    /// Writes and publishes the mixed-settings report of a run. A run publishes once: if an earlier attempt has
    /// published the report, this returns it.
    ///
    /// # Errors
    /// [`crate::Error::FenceLost`], or [`crate::Error::Unavailable`] when the database or the report store cannot be
    /// reached. Then nothing is published.
    pub async fn publish_mixed_report(
        &self,
        fence: Fence,
        run: &JobRun,
        stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<ReportPublication> {
        if let Some(report) = reports::find_report_of_run(&self.db, run.id).await? {
            self.point_to_latest_report().await?;
            return Ok(ReportPublication::Published(report));
        }
        let id = report_id(run.scheduled_for);
        let path = format!("{}/{}", report_folder(run.scheduled_for), fence.number);
        // This is read before the first snapshot, so that the report has all changes up to this time.
        let data_as_of = jobs::clock(&self.db).await?;
        let Some(written) = self.write_tables(&path, stopped).await? else {
            return Ok(ReportPublication::Stopped);
        };
        let schema = self.write_file(&path, SCHEMA_FILE, SCHEMA.into()).await?;
        let manifest = manifest(&id, run, data_as_of, &written, schema);
        let text = render(&manifest)?;
        let written = self.write_file(&path, MANIFEST_FILE, text).await?;
        let new = new_report(id, path, data_as_of, &manifest, written);
        let report = reports::insert_report(&self.db, fence, &new).await?;
        self.point_to_latest_report().await?;
        Ok(ReportPublication::Published(report))
    }

    async fn write_tables(
        &self,
        path: &str,
        stopped: &(dyn Fn() -> bool + Send + Sync),
    ) -> Result<Option<WrittenTables>> {
        let previous = reports::find_newest_report(&self.db).await?;
        let upload = self.reports.begin(&format!("{path}/{MIXED_FILE}")).await?;
        let changes = ChangesWriter::begin(&self.reports, path, previous.as_ref()).await?;
        TablesWriter::new(&self.db, upload, changes).write(stopped).await
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

fn manifest(id: &str, run: &JobRun, data_as_of: Timestamp, written: &WrittenTables, schema: Uploaded) -> Manifest {
    let (data, totals, counts) = (&written.data, &written.totals, &written.change_counts);
    let names = |columns: &[&str]| columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>();
    let table = |file: &str, uploaded: &Uploaded, rows, columns: &[&str]| ManifestFile {
        rows: Some(rows),
        columns: Some(names(columns)),
        ..plain(file, uploaded.clone())
    };
    let changes = counts.newly_mixed + counts.resolved;
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
            since: counts.since.clone(),
            newly_mixed: counts.newly_mixed,
            resolved: counts.resolved,
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
    let mut text = serde_json::to_vec_pretty(manifest).map_err(internal)?;
    text.push(b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{MIXED_COLUMNS, SCHEMA};

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
}
