//! The files that say what the others are: a run's manifest, and which run is the newest.

use chrono::SecondsFormat;
use rollcall_domain::{OrganizationId, Phase, Timestamp};
use rollcall_store::reports::ReportFile;
use serde::{Deserialize, Serialize};

/// What lies beside the tables of a run, and is written after them: a folder without it is an attempt that did not end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// 1. Versions that only add fields do not change it.
    pub schema_version: u32,
    /// The report's id.
    pub report: String,
    /// The run that wrote it.
    pub run: String,
    /// The data file, `mixed-settings.csv`; it is among `files`, too.
    pub file: String,
    /// The data file's header.
    pub columns: Vec<String>,
    /// When the first snapshot was read, in RFC 3339: the report knows nothing newer.
    pub data_as_of: String,
    /// The data file's rows, the header aside.
    pub rows: u64,
    /// The data file's size.
    pub bytes: u64,
    /// The data file's SHA-256 in hex.
    pub sha256: String,
    /// Every file of the run but this one.
    pub files: Vec<ManifestFile>,
    /// What changed since an earlier report.
    pub changes: ManifestChanges,
    /// Organizations read, those in phase LEGACY included.
    pub organization_count: usize,
    /// Organizations in phase LEGACY, which have no rows.
    pub legacy_organization_count: u32,
    /// Mixed assignments.
    pub mixed_assignment_count: u32,
    /// Every organization, in byte order.
    pub organizations: Vec<OrganizationCounts>,
}

/// A file of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256 in hex.
    pub sha256: String,
    /// A table's rows, the header aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// A table's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
}

/// What changed since an earlier report: the rows of `changes.csv`, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestChanges {
    /// That report's id; null when there is none that can be read, and then nothing is known of changes.
    pub since: Option<String>,
    /// Assignments that are mixed and were not.
    pub newly_mixed: u64,
    /// Assignments that were mixed and no longer are.
    pub resolved: u64,
}

/// What the report has of one organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationCounts {
    /// Its id.
    pub organization: OrganizationId,
    /// Its phase.
    pub phase: Phase,
    /// Mixed assignments.
    pub mixed_assignments: u32,
    /// Rows of the data file.
    pub rows: u64,
}

/// `latest.json`: which run has the newest data. Paths are relative to the folder that it lies in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latest {
    /// 1. Versions that only add fields do not change it.
    pub schema_version: u32,
    /// The report's id.
    pub report: String,
    /// Its folder.
    pub path: String,
    /// Its manifest.
    pub manifest: String,
    /// When its first snapshot was read, in RFC 3339.
    pub data_as_of: String,
    /// The manifest's SHA-256 in hex; null if the version that published the report did not keep it.
    pub manifest_sha256: Option<String>,
}

impl Latest {
    /// Whether the other one is about older data, or cannot be read.
    pub(super) fn is_newer_than(&self, other: &[u8]) -> bool {
        let other = serde_json::from_slice::<Self>(other).ok();
        let other = other.and_then(|other| other.data_as_of.parse::<Timestamp>().ok());
        let time = self.data_as_of.parse::<Timestamp>().ok();
        other.is_none_or(|other| time.is_some_and(|time| time > other))
    }
}

/// A time as it stands in these files.
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
