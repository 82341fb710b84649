//! The database's clock: the only clock that the rules know.

use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;

use crate::Result;

diesel::define_sql_function! { fn clock_timestamp() -> Timestamptz; }

/// Reads the database's clock.
pub(crate) async fn clock(conn: &mut AsyncPgConnection) -> Result<Timestamp> {
    Ok(diesel::select(clock_timestamp()).get_result(conn).await?)
}
