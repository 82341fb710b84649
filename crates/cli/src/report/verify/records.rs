//! Reads CSV records from a file that arrives in pieces.

use csv_core::{ReadRecordResult, Reader};

/// The longest accepted record, in bytes. A longer one is damaged, for example by a missing quote, and must not fill
/// the memory.
pub const RECORD_MAX: usize = 1024 * 1024;
const START_BYTES: usize = 4 * 1024;
const START_FIELDS: usize = 32;

/// Splits a CSV file into records.
#[derive(Debug)]
pub struct RecordReader {
    parser: Reader,
    /// The unquoted fields of the current record, one after the other.
    bytes: Vec<u8>,
    written: usize,
    /// The end of each field in `bytes`.
    ends: Vec<usize>,
    ended: usize,
}

impl Default for RecordReader {
    fn default() -> Self {
        let (bytes, ends) = (vec![0; START_BYTES], vec![0; START_FIELDS]);
        Self { parser: Reader::new(), bytes, written: 0, ends, ended: 0 }
    }
}

impl RecordReader {
    /// Reads the next piece, and calls `visit` with each record that ends in it. The header is the first record. An
    /// empty piece means the end of the file.
    ///
    /// # Errors
    /// A record is too long or is not UTF-8.
    pub fn push(&mut self, mut piece: &[u8], mut visit: impl FnMut(&[&str])) -> Result<(), String> {
        loop {
            let (bytes, ends) = (&mut self.bytes[self.written..], &mut self.ends[self.ended..]);
            let (result, read, written, ended) = self.parser.read_record(piece, bytes, ends);
            piece = &piece[read..];
            self.written += written;
            self.ended += ended;
            match result {
                ReadRecordResult::InputEmpty | ReadRecordResult::End => return Ok(()),
                ReadRecordResult::OutputFull if self.bytes.len() >= RECORD_MAX => {
                    return Err(format!("a record is longer than {RECORD_MAX} bytes"));
                }
                ReadRecordResult::OutputFull => self.bytes.resize(self.bytes.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    visit(&self.record()?);
                    (self.written, self.ended) = (0, 0);
                }
            }
        }
    }

    fn record(&self) -> Result<Vec<&str>, String> {
        let text = |start: usize, end: usize| {
            str::from_utf8(&self.bytes[start..end]).map_err(|_| "it cannot be read as CSV: it is not UTF-8".to_owned())
        };
        let ends = &self.ends[..self.ended];
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(ends).map(|(start, end)| text(start, *end)).collect()
    }
}
