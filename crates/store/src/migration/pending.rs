//! The organizations that a run of the migration job still has to migrate. A migrated organization drops out of these
//! lists, so a run needs no stored cursor.

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Bool},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    OrganizationId, Timestamp,
    migration::{MigrationScope, MigrationState, PendingMigration},
};
use uuid::Uuid;

use crate::{
    Db, Result, SystemConn,
    db::statement,
    schema::{organizations, settings_migrations},
};

/// An organization in phase LEGACY within the scope of a run.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = organizations)]
pub struct MigrationSize {
    /// The organization's id.
    pub id: String,
    /// Whether the organization is still to be migrated. If not, it waits for an operator.
    #[diesel(sql_type = Bool)]
    pub pending: bool,
    /// How many members it has.
    #[diesel(sql_type = BigInt)]
    pub members: i64,
}

#[derive(QueryableByName)]
#[diesel(table_name = organizations)]
struct PendingRow {
    id: String,
    wave: i32,
    #[diesel(sql_type = Bool)]
    is_faulty: bool,
}

/// Reads the first `limit` organizations that are still to be migrated, in the order in which the run tries them.
pub async fn list_pending(db: &Db, scope: MigrationScope, limit: i64) -> Result<Vec<PendingMigration>> {
    db.read_all("list_pending_migrations", async |conn: &mut SystemConn| {
        let wave = scope.wave.cast_signed();
        let rows: Vec<PendingRow> =
            statement!("list_pending_migrations", wave, scope.requested_at, scope.run, limit).load(conn).await?;
        let pending = |PendingRow { id, wave, is_faulty }| PendingMigration {
            organization: OrganizationId::trusted(id),
            wave: wave.unsigned_abs(),
            is_faulty,
        };
        Ok(rows.into_iter().map(pending).collect())
    })
    .await
}

/// Reads up to `limit` organizations of the scope after the organization `after`, in byte order of their ids, with
/// their sizes.
pub async fn list_sizes(db: &Db, scope: MigrationScope, after: &str, limit: i64) -> Result<Vec<MigrationSize>> {
    db.read_all("list_migration_sizes", async |conn: &mut SystemConn| {
        let sizes = statement!("list_migration_sizes", scope.wave.cast_signed(), scope.requested_at, after, limit)
            .load(conn)
            .await?;
        Ok(sizes)
    })
    .await
}

/// Counts the organizations whose migration failed at `since` or later and that still wait for a retry.
pub async fn count_failed_since(db: &Db, since: Timestamp) -> Result<i64> {
    db.read_all("count_failed_migrations", async |conn: &mut SystemConn| {
        Ok(settings_migrations::table
            .filter(settings_migrations::state.eq(MigrationState::Failed.as_str()))
            .filter(settings_migrations::updated_at.ge(since))
            .count()
            .get_result(conn)
            .await?)
    })
    .await
}

/// Reads the first `limit` organizations whose migration failed at `since` or later, in byte order of their ids, each
/// with the reason.
pub async fn list_failed_since(db: &Db, since: Timestamp, limit: i64) -> Result<Vec<(String, String)>> {
    db.read_all("list_failed_migrations", async |conn: &mut SystemConn| {
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

/// Reads up to `limit` organizations that the run `run` has set aside, in byte order of their ids, each with the reason.
pub async fn list_set_aside(db: &Db, run: Uuid, limit: i64) -> Result<Vec<(String, String)>> {
    db.read_all("list_set_aside_migrations", async |conn: &mut SystemConn| {
        let set_aside: Vec<(String, Option<String>)> = settings_migrations::table
            .filter(settings_migrations::set_aside_by.eq(run))
            .select((settings_migrations::organization_id, settings_migrations::failure))
            .order(settings_migrations::organization_id)
            .limit(limit)
            .load(conn)
            .await?;
        Ok(set_aside.into_iter().map(|(id, failure)| (id, failure.unwrap_or_default())).collect())
    })
    .await
}

/// Counts the organizations that the run `run` has set aside.
pub async fn count_set_aside(db: &Db, run: Uuid) -> Result<i64> {
    db.read_all("count_set_aside_migrations", async |conn: &mut SystemConn| {
        let set_aside = settings_migrations::table.filter(settings_migrations::set_aside_by.eq(run));
        Ok(set_aside.count().get_result(conn).await?)
    })
    .await
}
