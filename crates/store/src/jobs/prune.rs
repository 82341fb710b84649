//! Forgetting runs that ended long ago.

use std::time::Duration;

use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::RunQueryDsl;

use super::check_fence;
use crate::{Db, Fence, Result, SystemConn, db::clock};

/// Removes up to `limit` runs that ended longer ago than `keep`, on behalf of a job's run that still has its lease.
/// Never a job's newest run, from which the schedules of the release before this one go on, nor one whose report is
/// kept. Answers how many are gone.
///
/// # Errors
/// [`crate::Error::FenceLost`], or a database that fails.
pub async fn delete_runs(db: &Db, fence: Fence, keep: Duration, limit: u32) -> Result<usize> {
    db.system("delete_runs", async |conn: &mut SystemConn| {
        check_fence(conn, fence).await?;
        let before = clock(conn).await? - keep;
        let gone = diesel::sql_query(include_str!("../sql/job_delete_runs.sql"))
            .bind::<Timestamptz, _>(before)
            .bind::<BigInt, _>(i64::from(limit))
            .execute(conn)
            .await?;
        Ok(gone)
    })
    .await
}
