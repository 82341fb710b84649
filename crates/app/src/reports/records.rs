//! Reading a CSV file chunk by chunk.

use ::csv::StringRecord;
use csv_core::ReadRecordResult;

use super::errors::internal;
use crate::Result;

/// The largest record, in bytes. A file with a longer record is damaged; the limit keeps it from filling the memory.
const MAX_RECORD: usize = 1024 * 1024;

/// Splits a CSV file into records, wherever the file is cut into chunks.
#[derive(Debug)]
pub(super) struct CsvRecords {
    reader: csv_core::Reader,
    /// The text of the cells of the current record.
    text: Vec<u8>,
    text_len: usize,
    /// Where each cell of the current record ends in `text`.
    ends: Vec<usize>,
    ends_len: usize,
}

impl Default for CsvRecords {
    fn default() -> Self {
        // `csv_core::Reader::default` has no tables, and would read nothing.
        let reader = csv_core::Reader::new();
        Self { reader, text: Vec::new(), text_len: 0, ends: Vec::new(), ends_len: 0 }
    }
}

impl CsvRecords {
    /// Adds a chunk, and returns the records that end in it, including the header.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if the file is not CSV.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Result<Vec<StringRecord>> {
        // To the reader, an empty input is the end of the file.
        if chunk.is_empty() { Ok(Vec::new()) } else { self.read(chunk) }
    }

    /// Returns the last record, if the file ends without a line break.
    ///
    /// # Errors
    /// [`crate::Error::Internal`] if the file is not CSV.
    pub(super) fn finish(mut self) -> Result<Vec<StringRecord>> {
        self.read(&[])
    }

    /// Reads a chunk to its end, or ends the file if the chunk is empty.
    fn read(&mut self, chunk: &[u8]) -> Result<Vec<StringRecord>> {
        let (mut rest, mut records) = (chunk, Vec::new());
        loop {
            let (text, ends) = (&mut self.text[self.text_len..], &mut self.ends[self.ends_len..]);
            let (result, read, written, ended) = self.reader.read_record(rest, text, ends);
            rest = &rest[read..];
            self.text_len += written;
            self.ends_len += ended;
            match result {
                // The record does not end, for example because a quote is missing.
                ReadRecordResult::OutputFull if self.text.len() >= MAX_RECORD => {
                    return Err(internal(format!("a record is longer than {MAX_RECORD} bytes")));
                }
                ReadRecordResult::OutputFull => self.text.resize((2 * self.text.len()).max(1024), 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize((2 * self.ends.len()).max(16), 0),
                ReadRecordResult::Record => records.push(self.take_record()?),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return Ok(records),
            }
            if rest.is_empty() && !chunk.is_empty() {
                return Ok(records);
            }
        }
    }

    fn take_record(&mut self) -> Result<StringRecord> {
        let text = std::str::from_utf8(&self.text[..self.text_len]);
        let text = text.map_err(|error| internal(format!("a record is not UTF-8: {error}")))?;
        let mut record = StringRecord::with_capacity(self.text_len, self.ends_len);
        let mut start = 0;
        for &end in &self.ends[..self.ends_len] {
            record.push_field(text.get(start..end).unwrap_or_default());
            start = end;
        }
        (self.text_len, self.ends_len) = (0, 0);
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    const TEXT: &str = "a,b\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\nאב,\"\"\r\n1,2";

    #[test]
    fn records_do_not_depend_on_where_the_file_is_cut() {
        let expected = [["a", "b"], ["x\r\ny", "say \"hi\""], ["אב", ""], ["1", "2"]].map(|r| r.to_vec());
        for size in 1..=TEXT.len() {
            let mut records = CsvRecords::default();
            let mut found = Vec::new();
            for chunk in TEXT.as_bytes().chunks(size) {
                found.extend(records.push(chunk).unwrap());
            }
            found.extend(records.finish().unwrap());
            let found: Vec<Vec<&str>> = found.iter().map(|record| record.iter().collect()).collect();
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn long_records_and_records_with_many_cells_are_read() {
        let cells = vec!["x".repeat(5_000); 100];
        let text = format!("{}\n", cells.join(","));
        let records = CsvRecords::default().push(text.as_bytes()).unwrap();
        assert_eq!(records[0].iter().collect::<Vec<_>>(), cells);
    }

    #[test]
    fn a_missing_quote_does_not_fill_the_memory() {
        let mut records = CsvRecords::default();
        assert!(records.push(b"\"a\n").unwrap().is_empty());
        let cause = |error: Error| std::error::Error::source(&error).unwrap().to_string();
        let endless = records.push(&vec![b'x'; MAX_RECORD + 1]).unwrap_err();
        assert_eq!(cause(endless), "a record is longer than 1048576 bytes");
        let not_utf8 = CsvRecords::default().push(b"\xff\n").unwrap_err();
        assert!(cause(not_utf8).starts_with("a record is not UTF-8: "));
    }
}
