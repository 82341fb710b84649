//! Writing that a migration is rolled back.

use diesel::sql_types::{BigInt, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use rollcall_domain::{Cause, Phase};

use super::set_phase;
use crate::{Result, WriteTx};

/// Takes every member's setting and every chosen value away, and sets the phase.
///
/// # Errors
/// A database that fails.
pub async fn apply_rollback(tx: &mut WriteTx) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let (conn, organization) = tx.parts();
    // First what goes, while it is there.
    diesel::sql_query(include_str!("../sql/insert_rolled_back.sql"))
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(revision)
        .bind::<Text, _>(Cause::RolledBack.as_str())
        .execute(conn)
        .await?;
    for sql in [include_str!("../sql/roll_back_members.sql"), include_str!("../sql/roll_back_assignments.sql")] {
        diesel::sql_query(sql)
            .bind::<Text, _>(organization)
            .bind::<BigInt, _>(revision)
            .bind::<Timestamptz, _>(now)
            .execute(conn)
            .await?;
    }
    set_phase(tx, Phase::Legacy).await
}
