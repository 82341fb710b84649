//! The two CSV reports (product.md 8): an organization's team members on demand, and the nightly
//! one of mixed settings over all organizations, which is published to a report store.

pub mod csv;
mod members;
mod mixed;
mod open;
mod publish;
mod read;
mod store;
mod upload;

pub use csv::Profile;
pub use members::CsvChunks;
pub use open::{OpenError, parse_reports_url, redact_reports_url};
pub use publish::{MANIFEST_FILE, MIXED_FILE, Published};
pub use rollcall_store::reports::Report;
pub use store::{ByteStream, ReachError, ReportStore};

/// How many rows are read at a time.
const PAGE: usize = 2_000;
/// About how large a piece of a stream is.
const CHUNK: usize = 64 * 1024;
