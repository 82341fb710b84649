//! The two CSV reports (product.md 8): an organization's team members on demand, and the nightly
//! one of mixed settings over all organizations, which is published to a report store.

mod changes;
mod checksum;
pub mod csv;
mod folders;
mod latest;
mod manifest;
mod members;
mod mixed;
mod open;
mod previous;
mod publish;
mod read;
mod records;
mod store;
mod upload;

pub use checksum::Checksum;
pub use csv::Profile;
pub use manifest::{Latest, Manifest, ManifestChanges, ManifestFile, OrganizationCounts};
pub use members::CsvChunks;
pub use open::{OpenError, parse_reports_url, redact_reports_url};
pub use publish::Published;
pub(crate) use publish::report_folder;
pub use read::{Download, report_files};
pub use records::{CsvRecords, Unreadable};
pub use rollcall_store::reports::{Report, ReportFile};
pub use store::{ByteStream, ReachError, ReportStore};

/// The folder of all runs of the mixed-settings report, and what their ids begin with.
pub const REPORT_FOLDER: &str = "mixed-settings";
/// The job whose runs write them.
pub const MIXED_REPORT_JOB: &str = "mixed-settings-report";
/// The data file of a run.
pub const MIXED_FILE: &str = "mixed-settings.csv";
/// What changed since the report before.
pub const CHANGES_FILE: &str = "changes.csv";
/// What the columns of the data file mean.
pub const SCHEMA_FILE: &str = "mixed-settings.schema.json";
/// What the other files of a run are; the last one to be written.
pub const MANIFEST_FILE: &str = "manifest.json";
/// Which run has the newest data; beside the folders of the runs.
pub const LATEST_FILE: &str = "latest.json";

/// How many rows are read at a time.
const PAGE: usize = 2_000;
/// About how large a piece of a stream is.
const CHUNK: usize = 64 * 1024;
