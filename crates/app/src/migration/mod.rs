//! The settings migration of one organization: import, dry run, migration with proof, rollback, retry and status; and
//! the same rollbacks, retries and waves for many organizations.

mod changes;
mod import;
mod migrate;
mod progress;
mod read;
mod retry;
mod rollback;

pub use changes::{CHANGES_JOB, ExpectedChanges, MigrationChangesRun, RequestedChanges};
pub use import::ImportSummary;
pub use migrate::{MigrationOutcome, NextTry};
pub use progress::{MEMBERS_TOTAL, MigrationProgress, ORGANIZATIONS_TOTAL};
pub use read::MigrationPreview;
pub use rollcall_domain::migration::{
    MigrationAction, MigrationChange, MigrationFilter, MigrationSelection, MigrationState, MigrationStatus,
};
pub use rollcall_store::jobs::RunRefusal;
