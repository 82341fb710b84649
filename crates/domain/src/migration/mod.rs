//! The settings migration (product.md 7): the old settings page's value of each member becomes the member's own
//! setting, and the email export behaviour of every member stays the same.

mod changes;
mod faults;
mod filter;
mod import;
mod migrate;
mod obstacle;
mod outcome;
mod proof;
mod retry;
mod rollback;
mod status;
mod stop;

pub use changes::{MigrationAction, MigrationChange, MigrationSelection, NAMED_ORGANIZATIONS_MAX};
pub use faults::{FaultReaction, FaultTally};
pub use filter::MigrationFilter;
pub use import::{
    AcceptedLegacyRows, AddressHolder, ImportContext, ImportPlan, LegacyRow, check_legacy_rows, plan_import,
};
pub use migrate::{LegacyAssignment, LegacyMember, MigrationPlan, legacy_reading, plan_migration, require_unmigrated};
pub use obstacle::RollbackObstacle;
pub use outcome::AssignmentOutcome;
pub use proof::{Proof, Reading};
pub use retry::{RetryPlan, plan_retry};
pub use rollback::{RollbackContext, RollbackPlan, plan_rollback};
pub use status::{MigrationRecord, MigrationScope, MigrationState, MigrationStatus};
pub use stop::{MigrationLimits, MigrationStop, MigrationTally, PendingMigration, WaveTally};
