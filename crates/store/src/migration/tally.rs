//! What a run of the migration job has done so far, which decides whether it stops itself.

use diesel::{
    QueryableByName,
    sql_types::{BigInt, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Timestamp,
    migration::{MigrationState, WaveTally},
};

use crate::{Db, Result, SystemConn, db::statement, enum_columns::EnumColumn, schema::organizations};

#[derive(QueryableByName)]
#[diesel(table_name = organizations)]
struct TallyRow {
    wave: i32,
    #[diesel(sql_type = BigInt)]
    migrated: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
}

/// Reads, for each wave, how many organizations were migrated and how many failed at `since` or later.
pub async fn list_wave_tallies(db: &Db, since: Timestamp) -> Result<Vec<WaveTally>> {
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let tally = |TallyRow { wave, migrated, failed }| WaveTally {
        wave: wave.unsigned_abs(),
        migrated: count(migrated),
        failed: count(failed),
    };
    db.read_all("list_migration_tallies", async |conn: &mut SystemConn| {
        let rows: Vec<TallyRow> = statement!("list_migration_tallies", since).load(conn).await?;
        Ok(rows.into_iter().map(tally).collect())
    })
    .await
}

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    state: EnumColumn<MigrationState>,
}

/// Returns how many organizations have failed since the last one was migrated, at `since` or later; at most `limit`.
pub async fn count_failed_in_a_row(db: &Db, since: Timestamp, limit: u32) -> Result<u32> {
    db.read_all("list_newest_migration_states", async |conn: &mut SystemConn| {
        let rows: Vec<StateRow> =
            statement!("list_newest_migration_states", since, i64::from(limit)).load(conn).await?;
        let failed = rows.into_iter().take_while(|row| row.state.0 == MigrationState::Failed).count();
        Ok(u32::try_from(failed).unwrap_or(u32::MAX))
    })
    .await
}
