//! The rows of one organization before they are added to a table: a table never contains a part of the rows of an
//! organization. Many rows are kept in a temporary file of the report store, so that the memory is bounded.

use bytes::Bytes;
use futures::TryStreamExt as _;
use object_store::{ObjectStoreExt as _, buffered::BufWriter, path::Path as StorePath};
use tokio::io::AsyncWriteExt as _;

use super::{
    csv::{CsvPage, CsvProfile},
    errors::store_unavailable,
    store::ReportStore,
    table_upload::{TableUpload, buffered_writer},
};
use crate::{Error, Result};

/// The largest size in bytes of the rows that are kept in memory.
const MEMORY: usize = 8 * 1024 * 1024;
/// The temporary file in the folder of the report. It is removed before the report is published.
const TEMPORARY_FILE: &str = "rows.tmp";

/// The rows of one organization.
pub(super) struct RowBuffer {
    store: ReportStore,
    path: StorePath,
    /// The largest size in bytes of `chunks`.
    memory: usize,
    rows: u64,
    /// The rows that are in no chunk yet.
    page: CsvPage,
    chunks: Vec<Bytes>,
    bytes: usize,
    /// The temporary file; it has all chunks once it exists.
    file: Option<BufWriter>,
}

impl RowBuffer {
    /// Creates an empty buffer. No request is sent to the store.
    pub(super) fn new(store: &ReportStore, folder: &str) -> Self {
        let path = StorePath::from(format!("{folder}/{TEMPORARY_FILE}"));
        let page = CsvPage::new(CsvProfile::Spreadsheet);
        Self { store: store.clone(), path, memory: MEMORY, rows: 0, page, chunks: Vec::new(), bytes: 0, file: None }
    }

    /// The number of rows.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds the row that `write` writes.
    pub(super) async fn add_row(&mut self, write: impl FnOnce(&mut CsvPage) -> Result<()>) -> Result<()> {
        write(&mut self.page)?;
        self.rows += 1;
        if self.page.is_full() { self.end_chunk().await } else { Ok(()) }
    }

    async fn end_chunk(&mut self) -> Result<()> {
        let chunk = self.page.take()?;
        if let Some(file) = &mut self.file {
            return file.put(chunk).await.map_err(store_unavailable);
        }
        self.bytes += chunk.len();
        self.chunks.push(chunk);
        if self.bytes <= self.memory {
            return Ok(());
        }
        let file = self.file.insert(buffered_writer(&self.store, self.path.clone()));
        for chunk in self.chunks.drain(..) {
            file.put(chunk).await.map_err(store_unavailable)?;
        }
        Ok(())
    }

    /// Adds the rows to a table.
    pub(super) async fn add_to(mut self, table: &mut TableUpload) -> Result<()> {
        self.end_chunk().await?;
        for chunk in self.chunks.drain(..) {
            table.add_chunk(chunk).await?;
        }
        if let Some(file) = &mut self.file {
            file.shutdown().await.map_err(|error| Error::Unavailable(error.into()))?;
            let mut chunks = self.store.read(self.path.as_ref(), 0).await?;
            while let Some(chunk) = chunks.try_next().await? {
                table.add_chunk(chunk).await?;
            }
            self.store.store.delete(&self.path).await.map_err(store_unavailable)?;
        }
        table.count_rows(self.rows);
        Ok(())
    }

    /// Removes the temporary file. One that cannot be removed is a leftover in the folder of the attempt.
    pub(super) async fn discard(self) {
        let Some(mut file) = self.file else { return };
        if let Err(error) = file.abort().await {
            tracing::warn!(%error, "an unfinished temporary file of a report cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const FOLDER: &str = "mixed-settings/a-report/1";

    async fn filled(store: &ReportStore, memory: usize) -> RowBuffer {
        let mut buffer = RowBuffer { memory, ..RowBuffer::new(store, FOLDER) };
        for number in 0..20_000 {
            let write = |page: &mut CsvPage| {
                page.word(&format!("member {number} with a long name"))?;
                page.end_row()
            };
            buffer.add_row(write).await.unwrap();
        }
        buffer
    }

    fn files(directory: &TempDir) -> Vec<String> {
        let folder = directory.path().join(FOLDER);
        let files = std::fs::read_dir(folder).into_iter().flatten();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[tokio::test]
    async fn many_rows_are_kept_in_a_file_and_the_table_is_the_same() {
        let mut tables = Vec::new();
        for memory in [0, 200_000, usize::MAX] {
            let directory = TempDir::new().unwrap();
            let store = ReportStore::open(&format!("file://{}", directory.path().display())).unwrap();
            let mut table = TableUpload::begin(&store, FOLDER, "table.csv", &["member"]).unwrap();
            let buffer = filled(&store, memory).await;
            assert_eq!(buffer.file.is_some(), memory != usize::MAX);
            buffer.add_to(&mut table).await.unwrap();
            tables.push(table.finish().await.unwrap());
            assert_eq!(files(&directory), ["table.csv"], "{memory}");
        }
        assert_eq!(tables[0].rows, Some(20_000));
        assert_eq!(tables[0], tables[2]);
        assert_eq!(tables[1], tables[2]);
    }

    #[tokio::test]
    async fn a_discarded_buffer_leaves_nothing_behind() {
        let directory = TempDir::new().unwrap();
        let store = ReportStore::open(&format!("file://{}", directory.path().display())).unwrap();
        filled(&store, 0).await.discard().await;
        assert_eq!(files(&directory), Vec::<String>::new());
    }
}
