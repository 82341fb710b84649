//! Reading a CSV file of ours back, piece by piece.

use ::csv::{ReaderBuilder, StringRecord};

/// A record that is longer than this is a damaged one: it must not fill the memory.
const LONGEST: usize = 1024 * 1024;

/// Why a file is not a CSV file of ours.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// A record that does not end, as when a quote is missing.
    #[error("a record is longer than {LONGEST} bytes")]
    Endless,
    /// Not a record.
    #[error("it cannot be read as CSV: {0}")]
    Csv(#[from] ::csv::Error),
}

/// Cuts a file into records, however it comes in pieces.
#[derive(Debug, Default)]
pub struct CsvRecords {
    rest: Vec<u8>,
    /// How much of the rest was looked at.
    seen: usize,
    in_quotes: bool,
}

impl CsvRecords {
    /// Takes a piece, and answers the records that end in it, the header among them.
    ///
    /// # Errors
    /// A piece of something else.
    pub fn push(&mut self, piece: &[u8]) -> Result<Vec<StringRecord>, Unreadable> {
        self.rest.extend_from_slice(piece);
        let mut end = 0;
        for (at, byte) in self.rest.iter().enumerate().skip(self.seen) {
            match byte {
                // One that is doubled, inside of quotes, is left and entered again.
                b'"' => self.in_quotes = !self.in_quotes,
                b'\n' if !self.in_quotes => end = at + 1,
                _ => {}
            }
        }
        let records = parse(&self.rest[..end])?;
        self.rest.drain(..end);
        self.seen = self.rest.len();
        if self.seen > LONGEST { Err(Unreadable::Endless) } else { Ok(records) }
    }

    /// The last record, if the file ends without a line break.
    ///
    /// # Errors
    /// The end of something else.
    pub fn finish(self) -> Result<Vec<StringRecord>, Unreadable> {
        parse(&self.rest)
    }
}

fn parse(lines: &[u8]) -> Result<Vec<StringRecord>, Unreadable> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(lines);
    Ok(reader.records().collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a,b\r\n\"x\r\ny\",\"say \"\"hi\"\"\"\r\nאב,\"\"\r\n1,2";

    #[test]
    fn records_are_the_same_however_the_file_is_cut() {
        let expected = [["a", "b"], ["x\r\ny", "say \"hi\""], ["אב", ""], ["1", "2"]].map(|r| r.to_vec());
        for size in 1..=TEXT.len() {
            let mut records = CsvRecords::default();
            let mut found = Vec::new();
            for piece in TEXT.as_bytes().chunks(size) {
                found.extend(records.push(piece).unwrap());
            }
            found.extend(records.finish().unwrap());
            let found: Vec<Vec<&str>> = found.iter().map(|record| record.iter().collect()).collect();
            assert_eq!(found, expected, "{size}");
        }
    }

    #[test]
    fn a_quote_that_is_missing_does_not_fill_the_memory() {
        let mut records = CsvRecords::default();
        assert!(records.push(b"\"a\n").unwrap().is_empty());
        let endless = records.push(&vec![b'x'; LONGEST + 1]);
        assert!(matches!(endless, Err(Unreadable::Endless)));
        assert!(CsvRecords::default().push(b"\xff\n").is_err());
    }
}
