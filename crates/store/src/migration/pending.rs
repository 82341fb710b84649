//! What a run of the migration has before it. What it has done is no longer there, so that it needs no position.

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Bool, Integer, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{OrganizationId, Timestamp};

use super::MigrationState;
use crate::{Db, Result, SystemConn, schema::settings_migrations};

/// Which organizations a run takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Those up to this wave.
    pub wave: u32,
    /// Those that were there when the run was asked for.
    pub asked: Timestamp,
}

/// An organization in phase LEGACY that a run looks at.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct MigrationSize {
    /// Its id.
    #[diesel(sql_type = Text)]
    pub id: String,
    /// Whether it is to be migrated; else it waits for an operator.
    #[diesel(sql_type = Bool)]
    pub pending: bool,
    /// How many members it has.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Reads the first `limit` organizations, in byte order of their ids, that are still to be migrated.
///
/// # Errors
/// A database that fails.
pub async fn list_pending(db: &Db, taken: Taken, limit: i64) -> Result<Vec<OrganizationId>> {
    db.system("list_pending_migrations", async |conn: &mut SystemConn| {
        let rows: Vec<IdRow> = diesel::sql_query(include_str!("../sql/list_pending_migrations.sql"))
            .bind::<Integer, _>(taken.wave.cast_signed())
            .bind::<Timestamptz, _>(taken.asked)
            .bind::<BigInt, _>(limit)
            .load(conn)
            .await?;
        Ok(rows.into_iter().map(|row| OrganizationId::trusted(row.id)).collect())
    })
    .await
}

/// Reads up to `limit` organizations after one, in byte order of their ids, with their sizes.
///
/// # Errors
/// A database that fails.
pub async fn list_sizes(db: &Db, taken: Taken, after: &str, limit: i64) -> Result<Vec<MigrationSize>> {
    db.system("list_migration_sizes", async |conn: &mut SystemConn| {
        let sizes = diesel::sql_query(include_str!("../sql/list_migration_sizes.sql"))
            .bind::<Integer, _>(taken.wave.cast_signed())
            .bind::<Timestamptz, _>(taken.asked)
            .bind::<Text, _>(after)
            .bind::<BigInt, _>(limit)
            .load(conn)
            .await?;
        Ok(sizes)
    })
    .await
}

/// Reads the first `limit` organizations, in byte order of their ids, that have failed since a time, and why.
///
/// # Errors
/// A database that fails.
pub async fn list_failed_since(db: &Db, since: Timestamp, limit: i64) -> Result<Vec<(String, String)>> {
    db.system("list_failed_migrations", async |conn: &mut SystemConn| {
        let failed: Vec<(String, Option<String>)> = settings_migrations::table
            .filter(settings_migrations::state.eq(MigrationState::Failed.as_str()))
            .filter(settings_migrations::updated_at.ge(since))
            .select((settings_migrations::organization_id, settings_migrations::failure))
            .order(settings_migrations::organization_id)
            .limit(limit)
            .load(conn)
            .await?;
        Ok(failed.into_iter().map(|(id, failure)| (id, failure.unwrap_or_default())).collect())
    })
    .await
}
