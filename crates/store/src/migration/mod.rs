//! The settings migration: old settings, the settings that members have instead, and the record of each organization.

mod apply;
mod import;
mod pending;
mod read;
mod record;
mod tally;

pub use apply::{apply_migration, apply_rollback, finish_migration};
pub(crate) use import::bind_unmatched;
pub use import::{apply_import, count_unmatched, list_address_holders, list_unmatched};
pub use pending::{
    MigrationSize, count_failed_since, count_set_aside, list_failed_since, list_pending, list_set_aside, list_sizes,
};
pub use read::{list_legacy_assignments, list_legacy_members, list_written_settings};
pub(crate) use record::record_first_choice;
pub use record::{find_record, find_record_head, list_migrations};
pub use tally::{count_failed_in_a_row, list_wave_tallies};
