//! The settings migration of one organization: import, dry run, migration with proof, rollback, retry and status.

mod import;
mod migrate;
mod progress;
mod read;
mod retry;
mod rollback;

pub use import::ImportSummary;
pub use migrate::{MigrationOutcome, NextTry};
pub use progress::{MEMBERS_TOTAL, MigrationProgress, ORGANIZATIONS_TOTAL};
pub use read::MigrationPreview;
pub use rollcall_domain::migration::{MigrationFilter, MigrationState, MigrationStatus};
