//! The plans that a Postgres session keeps for its foreign-key checks.

use crate::{Result, WriteTx};

/// Below this many new rows, cached foreign-key plans stay good; see [`discard_cached_plans`].
pub(crate) const PLAN_CACHE_ROWS: usize = 100;

/// Discards the plans by which the session checks foreign keys. A plan that Postgres made while a table was nearly empty
/// reads the whole table for each row that refers to it: a first sync of 20,000 members would take hours.
pub(crate) async fn discard_cached_plans(tx: &mut WriteTx) -> Result<()> {
    let (conn, _) = tx.parts();
    diesel_async::SimpleAsyncConnection::batch_execute(conn, "DISCARD PLANS").await?;
    Ok(())
}
