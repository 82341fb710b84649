//! Checks that both sides wrote the same rows: it compares counts and hashes, without the times.

use rollcall_bench::Result;
use tokio_postgres::Client;

/// The rows of an organization in one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    table: String,
    count: i64,
    hash: Option<String>,
}

/// Reads the rows of an organization in every table that the benchmark writes.
pub(crate) async fn rows(client: &Client, organization: &str) -> Result<Vec<Rows>> {
    let rows = client.query(include_str!("sql/rows.sql"), &[&organization]).await?;
    Ok(rows.iter().map(|row| Rows { table: row.get(0), count: row.get(1), hash: row.get(2) }).collect())
}

/// Compares the two sides.
pub(crate) fn same(service: &[Rows], floor: &[Rows]) -> Result {
    for (service, floor) in service.iter().zip(floor) {
        if service != floor {
            return Err(format!("the service and raw SQL wrote different rows: {service:?} and {floor:?}").into());
        }
    }
    if service.is_empty() || service.len() != floor.len() {
        return Err("the two sides cannot be compared".into());
    }
    Ok(())
}
