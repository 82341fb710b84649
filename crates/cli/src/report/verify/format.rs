//! The format of a published report, version 1, as a reader of the files needs it. `docs/operations.md` describes it.

use serde::Deserialize;

/// The data file.
pub(super) const MIXED_FILE: &str = "mixed-settings.csv";
/// The changes since the report before.
pub(super) const CHANGES_FILE: &str = "changes.csv";
/// The meaning of the columns of the data file.
pub(super) const SCHEMA_FILE: &str = "mixed-settings.schema.json";
/// The list of the other files, which is written last.
pub(super) const MANIFEST_FILE: &str = "manifest.json";
/// The pointer to the newest report, beside the folders of the reports.
pub(super) const LATEST_FILE: &str = "latest.json";

/// `manifest.json`.
#[derive(Debug, Deserialize)]
pub(super) struct PublishedManifest {
    /// The report's id.
    pub(super) report: String,
    #[expect(dead_code, reason = "the field must exist, and there is nothing to compare it with")]
    run: String,
    /// The name of the data file.
    pub(super) file: String,
    pub(super) columns: Vec<String>,
    pub(super) data_as_of: String,
    pub(super) rows: u64,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// Every file of the run except the manifest.
    pub(super) files: Vec<PublishedFile>,
    pub(super) changes: PublishedChanges,
    pub(super) organization_count: usize,
    #[expect(dead_code, reason = "the field must exist, and there is nothing to compare it with")]
    legacy_organization_count: u32,
    pub(super) mixed_assignment_count: u32,
    pub(super) organizations: Vec<PublishedOrganization>,
    /// The organizations that the report lacks. Versions before this field wrote complete reports only.
    #[serde(default)]
    pub(super) missing_organizations: Vec<UnpublishedOrganization>,
}

/// An organization that the report lacks.
#[derive(Debug, Deserialize)]
pub(super) struct UnpublishedOrganization {
    pub(super) organization: String,
    pub(super) reason: String,
}

/// A file that the manifest lists.
#[derive(Debug, Deserialize)]
pub(super) struct PublishedFile {
    pub(super) file: String,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// The rows of a table, without the header.
    pub(super) rows: Option<u64>,
    /// The header of a table.
    pub(super) columns: Option<Vec<String>>,
}

/// The number of rows of `changes.csv`, by the kind of change.
#[derive(Debug, Deserialize)]
pub(super) struct PublishedChanges {
    pub(super) newly_mixed: u64,
    pub(super) resolved: u64,
}

/// The counts of one organization.
#[derive(Debug, Deserialize)]
pub(super) struct PublishedOrganization {
    pub(super) organization: String,
    pub(super) mixed_assignments: u32,
    pub(super) rows: u64,
}

/// `latest.json`.
#[derive(Debug, Deserialize)]
pub(super) struct LatestPointer {
    /// The folder of the newest report, relative to `latest.json`.
    pub(super) path: String,
    /// The SHA-256 of the manifest. Versions before this field did not write it.
    pub(super) manifest_sha256: Option<String>,
}
