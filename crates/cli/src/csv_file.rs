//! Writes CSV files in the format of the reports (product.md 8): RFC 4180 with CRLF, safe to open in a spreadsheet.

use std::{fs::File, path::Path};

use csv::{Terminator, Writer, WriterBuilder};
use rollcall_domain::spreadsheet;

use crate::error::{Error, Result};

/// A CSV file that is being written.
#[derive(Debug)]
pub(crate) struct CsvFile {
    shown_path: String,
    writer: Writer<File>,
}

impl CsvFile {
    /// Creates the file with a header, or replaces it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn create(path: &Path, columns: &[&str]) -> Result<Self> {
        let shown_path = path.display().to_string();
        let file = File::create(path).map_err(Error::doing(format!("cannot write {shown_path}")))?;
        let writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(file);
        let mut file = Self { shown_path, writer };
        file.write_row(columns)?;
        Ok(file)
    }

    /// Writes a row. Cells that a spreadsheet would run as formulas are escaped.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_row(&mut self, cells: &[impl AsRef<str>]) -> Result {
        let mut fields = cells.iter().map(|cell| spreadsheet::escape(cell.as_ref()));
        let written = fields.try_for_each(|field| self.writer.write_field(field.as_bytes()));
        let written = written.and_then(|()| self.writer.write_record(None::<&[u8]>));
        written.map_err(Error::doing(format!("cannot write {}", self.shown_path)))
    }

    /// Writes what is still in memory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn finish(mut self) -> Result {
        self.writer.flush().map_err(Error::doing(format!("cannot write {}", self.shown_path)))
    }
}
