//! Writing a CSV table of a report to the report store: in chunks, with its size, checksum and number of rows.

use bytes::Bytes;
use object_store::{buffered::BufWriter, path::Path as StorePath};
use tokio::io::AsyncWriteExt as _;

use super::{
    checksum::Checksum,
    csv::{CsvPage, CsvProfile},
    errors::store_unavailable,
    manifest::ManifestFile,
    store::ReportStore,
};
use crate::{Error, Result};

/// The size in bytes of a part of a file. A file that is smaller is sent at its end, with one request.
const PART: usize = 5 * 1024 * 1024;
/// How many parts are sent at the same time, which bounds the memory.
const PARTS_IN_FLIGHT: usize = 2;

/// A table that is being written. The file is visible only after [`TableUpload::finish`].
pub(super) struct TableUpload {
    file: &'static str,
    columns: &'static [&'static str],
    rows: u64,
    /// The rows that were not sent yet.
    page: CsvPage,
    writer: BufWriter,
    checksum: Checksum,
}

impl TableUpload {
    /// Begins the table with its header. No request is sent to the store.
    pub(super) fn begin(
        store: &ReportStore,
        folder: &str,
        file: &'static str,
        columns: &'static [&'static str],
    ) -> Result<Self> {
        let path = StorePath::from(format!("{folder}/{file}"));
        let writer = buffered_writer(store, path);
        let mut page = CsvPage::new(CsvProfile::Spreadsheet);
        page.header(columns)?;
        Ok(Self { file, columns, rows: 0, page, writer, checksum: Checksum::default() })
    }

    /// Adds the row that `write` writes.
    pub(super) async fn add_row(&mut self, write: impl FnOnce(&mut CsvPage) -> Result<()>) -> Result<()> {
        write(&mut self.page)?;
        self.rows += 1;
        if self.page.is_full() { self.send_page().await } else { Ok(()) }
    }

    async fn send_page(&mut self) -> Result<()> {
        let chunk = self.page.take()?;
        self.send(chunk).await
    }

    async fn send(&mut self, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.checksum.update(&chunk);
        self.writer.put(chunk).await.map_err(store_unavailable)
    }

    /// Adds bytes of rows. [`Self::count_rows`] counts these rows.
    pub(super) async fn add_chunk(&mut self, chunk: Bytes) -> Result<()> {
        self.send_page().await?;
        self.send(chunk).await
    }

    /// Counts the rows of chunks.
    pub(super) fn count_rows(&mut self, rows: u64) {
        self.rows += rows;
    }

    /// Finishes the file, and returns its entry in the manifest.
    pub(super) async fn finish(mut self) -> Result<ManifestFile> {
        if let Err(error) = self.send_page().await {
            self.abort().await;
            return Err(error);
        }
        self.writer.shutdown().await.map_err(|error| Error::Unavailable(error.into()))?;
        let columns = self.columns.iter().map(|column| (*column).to_owned()).collect();
        let file = ManifestFile::new(self.file, self.checksum);
        Ok(ManifestFile { rows: Some(self.rows), columns: Some(columns), ..file })
    }

    /// Removes the unfinished file. Parts that cannot be removed stay as leftovers, which no report names.
    pub(super) async fn abort(mut self) {
        if let Err(error) = self.writer.abort().await {
            tracing::warn!(%error, "an unfinished report file cannot be removed");
        }
    }
}

/// Returns a writer of a file, which sends the file in parts.
pub(super) fn buffered_writer(store: &ReportStore, path: StorePath) -> BufWriter {
    BufWriter::with_capacity(store.store.clone(), path, PART).with_max_concurrency(PARTS_IN_FLIGHT)
}
