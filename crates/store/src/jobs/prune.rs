//! Deleting old runs.

use std::time::Duration;

use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use super::fence::check_fence;
use crate::{Db, Fence, Result, SystemConn, db::clock};

/// Deletes up to `limit` runs that ended longer ago than `keep`, and returns how many were deleted.
///
/// A job's newest run stays, because the previous release continues its schedule from that run. A run whose report is
/// kept stays too.
///
/// # Errors
/// [`crate::Error::FenceLost`] when `fence`, the claim of the run that prunes, no longer holds.
pub async fn delete_runs(db: &Db, fence: Fence, keep: Duration, limit: u32) -> Result<usize> {
    db.system("delete_runs", async |conn: &mut SystemConn| {
        check_fence(conn, fence).await?;
        let before = clock(conn).await? - keep;
        let deleted = diesel::sql_query(include_str!("../sql/job_delete_runs.sql"))
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(limit))
            .execute(conn)
            .await?;
        Ok(deleted)
    })
    .await
}
