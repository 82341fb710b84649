//! Statements that read a bounded number of rows of an index.

use diesel_async::RunQueryDsl;

use crate::{ReadTx, Result};

/// Prepares a transaction for statements that read the first entries of an index and stop. Without statistics of one
/// organization, Postgres expects fewer entries than the limit, and would read and sort all of them through a bitmap.
/// Without bitmaps it follows the index. The other statements of the transaction read through indexes too.
pub(crate) async fn prepare_bounded_reads(tx: &mut ReadTx) -> Result<()> {
    diesel::sql_query("SET LOCAL enable_bitmapscan = off").execute(&mut tx.conn).await?;
    Ok(())
}
