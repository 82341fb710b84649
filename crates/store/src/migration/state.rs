//! How far each organization's migration is, with its proof.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;
use serde_json::Value;

use crate::{Error, ReadTx, Result, WriteTx, schema::settings_migrations};

/// How far the migration of an organization is. Without a row it is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationState {
    /// Migrated and proved.
    Migrated,
    /// The proof or the migration failed; the organization is as it was.
    Failed,
    /// Rolled back on request.
    RolledBack,
}

/// The stored state. Proof and outcomes are documents that the use cases write and read.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredMigration {
    /// How far it is.
    pub state: MigrationState,
    /// Why it failed.
    pub failure: Option<String>,
    /// What was compared.
    pub proof: Option<Value>,
    /// What came of each assignment.
    pub outcomes: Value,
    /// When the state last changed.
    pub updated_at: Timestamp,
}

/// Reads the state of the organization's migration.
///
/// # Errors
/// A database that fails.
pub async fn find_migration(tx: &mut ReadTx) -> Result<Option<StoredMigration>> {
    type Row = (String, Option<String>, Option<Value>, Value, Timestamp);
    let (conn, organization) = tx.parts();
    let row: Option<Row> = settings_migrations::table
        .find(organization)
        .select((
            settings_migrations::state,
            settings_migrations::failure,
            settings_migrations::proof,
            settings_migrations::outcomes,
            settings_migrations::updated_at,
        ))
        .first(conn)
        .await
        .optional()?;
    let Some((state, failure, proof, outcomes, updated_at)) = row else { return Ok(None) };
    let state = match state.as_str() {
        "MIGRATED" => MigrationState::Migrated,
        "FAILED" => MigrationState::Failed,
        "ROLLED_BACK" => MigrationState::RolledBack,
        other => return Err(Error::corrupt(format!("unknown migration state {other}"))),
    };
    Ok(Some(StoredMigration { state, failure, proof, outcomes, updated_at }))
}

/// Writes the state of the organization's migration, at the time of this write.
///
/// # Errors
/// A database that fails.
pub async fn upsert_migration(
    tx: &mut WriteTx,
    state: MigrationState,
    failure: Option<&str>,
    proof: Option<&Value>,
    outcomes: &Value,
) -> Result<()> {
    let state = match state {
        MigrationState::Migrated => "MIGRATED",
        MigrationState::Failed => "FAILED",
        MigrationState::RolledBack => "ROLLED_BACK",
    };
    let now = tx.now();
    let (conn, organization) = tx.parts();
    let values = (
        settings_migrations::state.eq(state),
        settings_migrations::failure.eq(failure),
        settings_migrations::proof.eq(proof),
        settings_migrations::outcomes.eq(outcomes),
        settings_migrations::updated_at.eq(now),
    );
    diesel::insert_into(settings_migrations::table)
        .values((settings_migrations::organization_id.eq(organization), values))
        .on_conflict(settings_migrations::organization_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}
