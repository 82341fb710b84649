//! The first value that is chosen after a migration. From then on it is too late to roll back (product.md 7.6).

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::{AssignmentId, migration::MigrationState};

use crate::{Result, WriteTx, schema::settings_migrations};

/// Records that a value was chosen on an assignment, unless an earlier choice after the migration is recorded.
pub(crate) async fn record_first_choice(tx: &mut WriteTx, assignment: &AssignmentId) -> Result<()> {
    let (conn, organization) = tx.parts();
    diesel::update(settings_migrations::table.find(organization))
        .filter(settings_migrations::state.eq(MigrationState::Migrated.as_str()))
        .filter(settings_migrations::chosen_assignment.is_null())
        .set(settings_migrations::chosen_assignment.eq(assignment.as_str()))
        .execute(conn)
        .await?;
    Ok(())
}
