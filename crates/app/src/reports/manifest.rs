//! The files that describe a report: its manifest, and `latest.json`, which names the newest report.

use chrono::SecondsFormat;
use rollcall_domain::{OrganizationId, Phase, Timestamp};
use rollcall_store::reports::{MissingOrganization, ReportFile};
use serde::{Deserialize, Serialize};

use super::checksum::Checksum;

/// `manifest.json`: it describes the other files of a report. It is written after them, so that a folder without a
/// manifest is an unfinished attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1. It stays the same while versions only add fields.
    pub schema_version: u32,
    /// The report's id.
    pub report: String,
    /// The run that wrote the report.
    pub run: String,
    /// The data file, `mixed-settings.csv`. It is in `files` too.
    pub file: String,
    /// The columns of the data file.
    pub columns: Vec<String>,
    /// When the first snapshot was read, in RFC 3339. The report has no newer data.
    pub data_as_of: String,
    /// The number of rows of the data file, without the header.
    pub rows: u64,
    /// The size of the data file in bytes.
    pub bytes: u64,
    /// The SHA-256 of the data file, in hexadecimal.
    pub sha256: String,
    /// Every file of the report except the manifest.
    pub files: Vec<ManifestFile>,
    /// What changed since the previous report.
    pub changes: ManifestChanges,
    /// The number of organizations that were read, those in phase LEGACY included.
    pub organization_count: usize,
    /// The number of organizations in phase LEGACY, which have no rows.
    pub legacy_organization_count: u32,
    /// The number of mixed assignments.
    pub mixed_assignment_count: u32,
    /// Every organization that was read, in byte order.
    pub organizations: Vec<OrganizationCounts>,
    /// The organizations that the report lacks, in byte order, each with the reason. No file has rows of them.
    #[serde(default)]
    pub missing_organizations: Vec<MissingOrganization>,
}

/// A file of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// The file's name.
    pub file: String,
    /// The size in bytes.
    pub bytes: u64,
    /// The SHA-256, in hexadecimal.
    pub sha256: String,
    /// The number of rows of a table, without the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// The columns of a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

impl ManifestFile {
    /// Describes a file that is not a table.
    pub(super) fn new(file: &str, checksum: Checksum) -> Self {
        let (bytes, sha256) = (checksum.bytes(), checksum.sha256());
        Self { file: file.to_owned(), bytes, sha256, rows: None, columns: None }
    }
}

/// How many rows of each kind `changes.csv` has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestChanges {
    /// The id of the previous report. Null if there is none that can be read; then `changes.csv` has no rows.
    pub since: Option<String>,
    /// The number of assignments that became mixed.
    pub newly_mixed: u64,
    /// The number of assignments that are not mixed any more.
    pub resolved: u64,
}

/// The counts of one organization in a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCounts {
    /// The organization's id.
    pub organization: OrganizationId,
    /// The organization's phase.
    pub phase: Phase,
    /// The number of mixed assignments.
    pub mixed_assignments: u32,
    /// The number of rows in the data file.
    pub rows: u64,
}

/// `latest.json`: it names the report with the newest data. Paths are relative to the folder of `latest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// 1. It stays the same while versions only add fields.
    pub schema_version: u32,
    /// The report's id.
    pub report: String,
    /// The report's folder.
    pub path: String,
    /// The report's manifest.
    pub manifest: String,
    /// When the first snapshot was read, in RFC 3339.
    pub data_as_of: String,
    /// The SHA-256 of the manifest, in hexadecimal. Null if the version that published the report did not store it.
    pub manifest_sha256: Option<String>,
}

impl Latest {
    /// Whether the other `latest.json` has older data, or cannot be read.
    pub(super) fn is_newer_than(&self, other: &[u8]) -> bool {
        let other = serde_json::from_slice::<Self>(other).ok();
        let other = other.and_then(|other| other.data_as_of.parse::<Timestamp>().ok());
        let time = self.data_as_of.parse::<Timestamp>().ok();
        other.is_none_or(|other| time.is_some_and(|time| time > other))
    }
}

/// Formats one of these files.
pub(super) fn render(file: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut text = serde_json::to_vec_pretty(file)?;
    text.push(b'\n');
    Ok(text)
}

/// Formats a time for these files.
pub(super) fn rfc3339(time: Timestamp) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

impl From<&ManifestFile> for ReportFile {
    fn from(file: &ManifestFile) -> Self {
        Self {
            file: file.file.clone(),
            rows: file.rows.unwrap_or_default().cast_signed(),
            bytes: file.bytes.cast_signed(),
            sha256: file.sha256.clone(),
        }
    }
}
