//! The floor: the statements of the two jobs on one connection, one organization after the other.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use futures::StreamExt as _;
use rollcall_bench::Result;
use tokio::{
    fs::File,
    io::{AsyncWriteExt as _, BufWriter},
};
use tokio_postgres::Client;

/// The migration as one `UPDATE ... FROM` for each organization, each its own transaction. Returns how long it took and
/// how many members it wrote.
pub(crate) async fn migrate(client: &Client) -> Result<(Duration, u64)> {
    let organizations = organizations(client).await?;
    let start = Instant::now();
    let update = client.prepare(include_str!("sql/update_from.sql")).await?;
    let mut members = 0;
    for organization in &organizations {
        members += client.execute(&update, &[organization]).await?;
    }
    Ok((start.elapsed(), members))
}

/// The report as psql's `\copy` writes it to a file: one `COPY` for each organization, one after the other.
pub(crate) async fn report(client: &Client, file: &Path) -> Result<Duration> {
    let organizations = organizations(client).await?;
    let start = Instant::now();
    let mut file = BufWriter::new(File::create(file).await?);
    for organization in &organizations {
        let query = include_str!("sql/report.sql").replace("{organization}", &format!("'{organization}'"));
        let copy = format!("COPY ({query}) TO STDOUT (FORMAT csv)");
        let mut rows = std::pin::pin!(client.copy_out(&copy).await?);
        while let Some(piece) = rows.next().await {
            file.write_all(&piece?).await?;
        }
    }
    file.flush().await?;
    // The service also writes a report to the disk before it publishes the report.
    file.get_ref().sync_all().await?;
    Ok(start.elapsed())
}

async fn organizations(client: &Client) -> Result<Vec<String>> {
    let rows = client.query("SELECT id FROM organizations ORDER BY id", &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}
