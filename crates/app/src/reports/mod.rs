//! The two CSV reports (product.md 8): the team members of one organization, on demand, and the mixed settings of all
//! organizations, which a job publishes to a report store every night, with a page for people.

mod attempt;
mod changes;
pub mod changes_table;
mod checksum;
pub mod csv;
mod errors;
mod faults;
mod folders;
mod latest;
mod layout;
mod manifest;
pub mod member_table;
mod members;
pub mod mixed_table;
mod open;
mod organization_rows;
mod owner;
mod page;
mod previous;
mod private_files;
mod publish;
mod read;
mod records;
mod row_buffer;
mod store;
mod table_upload;
mod tables;

pub use attempt::{Pause, ReportAttempt};
pub use checksum::Checksum;
pub use csv::CsvProfile;
pub(crate) use layout::report_folder;
pub use layout::{
    CHANGES_FILE, LATEST_FILE, MANIFEST_FILE, MIXED_FILE, MIXED_REPORT_JOB, PAGE_FILE, REPORT_FOLDER, SCHEMA_FILE,
};
pub use manifest::{Latest, Manifest, ManifestChanges, ManifestFile, OrganizationCounts};
pub use members::{ExportPiece, ExportPieces, ExportPosition};
pub use open::{OpenError, parse_reports_url, redact_reports_url};
pub use owner::{NotOwner, OWNER_FILE};
pub use read::{ReportDownload, report_files};
pub use rollcall_store::reports::{MissingOrganization, MissingReason, Report, ReportFile};
pub use store::{ByteStream, ReachError, ReportStore};
