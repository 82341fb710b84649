//! Publishing the mixed-settings report: first the tables, then the page, then the manifest, then the row that publishes
//! it, then `latest.json`. Each attempt writes to a folder of its own, which is named after its fence.

use object_store::{ObjectStoreExt as _, path::Path as StorePath};
use rollcall_domain::{Phase, Timestamp};
use rollcall_store::{
    JsonColumn,
    jobs::{self, JobRun},
    reports::{self, NewReport, Report, ReportFile},
};

use super::{
    attempt::ReportAttempt,
    changes::ChangesWriter,
    checksum::Checksum,
    errors::{internal, store_unavailable},
    layout::{MANIFEST_FILE, MIXED_FILE, PAGE_FILE, SCHEMA_FILE, report_folder, report_id},
    manifest::{Manifest, ManifestFile, render, rfc3339},
    mixed_table::MIXED_COLUMNS,
    page,
    table_upload::TableUpload,
    tables::{TablesWriter, WrittenTables},
};
use crate::{App, Result};

/// The description of the data file's columns, as a Frictionless Table Schema.
const SCHEMA: &str = include_str!("mixed-settings.schema.json");

impl App {
    /// Writes and publishes the mixed-settings report of a run. A run publishes once: if an earlier attempt has
    /// published the report, this returns it. Returns `None` when the attempt was stopped, which published nothing.
    ///
    /// The report lacks the organizations whose rows cannot be read, and names them.
    ///
    /// # Errors
    /// [`crate::Error::FenceLost`], [`crate::Error::Unavailable`] when the database or the report store cannot be
    /// reached, [`crate::Error::NotReportsOwner`], or [`crate::Error::Internal`] when no organization can be read. Then
    /// nothing is published.
    pub async fn publish_mixed_report(&self, attempt: &ReportAttempt<'_>) -> Result<Option<Report>> {
        let ReportAttempt { fence, run, .. } = *attempt;
        if let Some(report) = reports::find_report_of_run(&self.db, run.id).await? {
            self.point_to_latest_report().await?;
            return Ok(Some(report));
        }
        self.check_reports_owner().await?;
        let path = format!("{}/{}", report_folder(run.scheduled_for), fence.number);
        // This is read before the first snapshot, so that the report has all changes up to this time.
        let data_as_of = jobs::clock(&self.db).await?;
        let previous = reports::find_newest_report(&self.db).await?;
        self.reports.create_private_folder(&path).await?;
        let data = TableUpload::begin(&self.reports, &path, MIXED_FILE, &MIXED_COLUMNS)?;
        let changes = ChangesWriter::begin(&self.reports, &path, previous.as_ref()).await?;
        let mut tables = TablesWriter::new(self, &path, data, changes);
        let is_complete = tables.write(attempt).await;
        let Some(written) = tables.end(is_complete).await? else { return Ok(None) };
        let schema = self.write_file(&path, SCHEMA_FILE, SCHEMA.into()).await?;
        let nights = self.list_nights(run.scheduled_for).await?;
        let page = page::render(run, &written, previous.as_ref(), &nights)?;
        let page = self.write_file(&path, PAGE_FILE, page.into()).await?;
        let manifest = manifest(run, data_as_of, written, [schema, page]);
        let file = self.write_file(&path, MANIFEST_FILE, render(&manifest).map_err(internal)?).await?;
        self.reports.restrict_files(&path).await?;
        // The place may have been taken over while the rows were read.
        self.check_reports_owner().await?;
        let report = reports::insert_report(&self.db, fence, &new_report(path, data_as_of, &manifest, &file)).await?;
        self.point_to_latest_report().await?;
        Ok(Some(report))
    }

    async fn write_file(&self, path: &str, file: &str, text: Vec<u8>) -> Result<ManifestFile> {
        let mut checksum = Checksum::default();
        checksum.update(&text);
        let location = StorePath::from(format!("{path}/{file}"));
        self.reports.store.put(&location, text.into()).await.map_err(store_unavailable)?;
        Ok(ManifestFile::new(file, checksum))
    }
}

fn manifest(run: &JobRun, data_as_of: Timestamp, written: WrittenTables, others: [ManifestFile; 2]) -> Manifest {
    let WrittenTables { data, changes, organizations, missing_organizations, .. } = written;
    let legacy = organizations.iter().filter(|counts| counts.phase == Phase::Legacy).count();
    Manifest {
        schema_version: 1,
        report: report_id(run.scheduled_for),
        run: rollcall_domain::names::job_run(&run.job, run.id),
        file: MIXED_FILE.to_owned(),
        columns: data.columns.clone().unwrap_or_default(),
        data_as_of: rfc3339(data_as_of),
        rows: data.rows.unwrap_or_default(),
        bytes: data.bytes,
        sha256: data.sha256.clone(),
        files: [data, changes.file].into_iter().chain(others).collect(),
        changes: changes.counts,
        organization_count: organizations.len(),
        legacy_organization_count: u32::try_from(legacy).unwrap_or(u32::MAX),
        mixed_assignment_count: organizations.iter().map(|counts| counts.mixed_assignments).sum(),
        organizations,
        missing_organizations,
    }
}

fn new_report(path: String, data_as_of: Timestamp, manifest: &Manifest, file: &ManifestFile) -> NewReport {
    NewReport {
        id: manifest.report.clone(),
        path,
        data_as_of,
        rows: manifest.rows.cast_signed(),
        bytes: manifest.bytes.cast_signed(),
        sha256: manifest.sha256.clone(),
        organizations: i32::try_from(manifest.organization_count).unwrap_or(i32::MAX),
        legacy_organizations: manifest.legacy_organization_count.cast_signed(),
        mixed_assignments: manifest.mixed_assignment_count.cast_signed(),
        files: JsonColumn(manifest.files.iter().chain([file]).map(ReportFile::from).collect()),
        missing_organizations: JsonColumn(manifest.missing_organizations.clone()),
    }
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
