//! The database's clock: the only one that the rules know.

use diesel::{QueryableByName, sql_types::Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;

use crate::Result;

#[derive(QueryableByName)]
struct Clock {
    #[diesel(sql_type = Timestamptz)]
    now: Timestamp,
}

/// The database's clock. A statement of its own: in the locking one it would be read before
/// the lock is had.
pub(crate) async fn clock(conn: &mut AsyncPgConnection) -> Result<Timestamp> {
    let row: Clock = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn).await?;
    Ok(row.now)
}
