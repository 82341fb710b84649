//! Reads old settings from a CSV file of any size, one line at a time. A wrong line does not affect other lines.
//!
//! A CSV reader over the whole file would take everything after a missing quote as one field. Therefore this module
//! cuts the file into lines itself, and uses the CSV parser for each line.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use csv::ByteRecord;
use csv_core::{Reader, ReaderBuilder, Terminator};

use crate::error::{Error, Result};

/// The longest accepted line, in bytes. A longer line becomes a rejected row.
pub const LINE_MAX: usize = 64 * 1024;
/// The longest email address that is sent, in bytes. The server accepts only much shorter ones.
const EMAIL_MAX: usize = 1_000;
const BUFFER_BYTES: usize = 64 * 1024;
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacySettingRow {
    /// The line number. The header is line 1.
    pub line: u64,
    /// The address as written in the file.
    pub email: String,
    /// Whether emails are exported, or the reason why the row cannot be sent.
    pub export: std::result::Result<bool, String>,
}

/// A file of old settings. Iterates over the rows in their order, without empty lines.
#[derive(Debug)]
pub struct LegacySettingsFile {
    reader: BufReader<File>,
    line: u64,
    buffer: Vec<u8>,
    parser: Reader,
    columns: HeaderColumns,
}

/// The columns that the header names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct HeaderColumns {
    email: usize,
    export: usize,
    count: usize,
    ignored: Vec<String>,
}

impl LegacySettingsFile {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// The file cannot be read, is not UTF-8, or has no columns `email` and `export`.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let reader = File::open(path).map_err(Error::doing(format!("cannot read {shown}")))?;
        let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
        let parser = ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build();
        let mut file = Self { reader, line: 0, buffer: Vec::new(), parser, columns: HeaderColumns::default() };
        let is_complete = file.read_line().map_err(Error::doing(format!("cannot read {shown}")))?;
        let header = match is_complete {
            None => Err("it is empty".to_owned()),
            Some(false) => Err(format!("line 1 is longer than {LINE_MAX} bytes")),
            Some(true) => HeaderColumns::parse(&mut file.parser, &file.buffer),
        };
        file.columns = header.map_err(|problem| {
            Error::failed(format!(
                "{shown}: {problem}; give a UTF-8 file with the first line `email,export`, followed by one line for each \
                 address with true or false"
            ))
        })?;
        Ok(file)
    }

    /// Returns the columns that the import does not use.
    #[must_use]
    pub fn ignored_columns(&self) -> &[String] {
        &self.columns.ignored
    }

    /// Reads a line without its line end into the buffer. Returns `false` if the line was cut because it is too long,
    /// and `None` at the end of the file.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let is_complete = self.buffer.ends_with(b"\n") || self.buffer.len() < LINE_MAX;
        if !is_complete {
            self.reader.skip_until(b'\n')?;
        }
        while self.buffer.ends_with(b"\n") || self.buffer.ends_with(b"\r") {
            self.buffer.pop();
        }
        Ok(Some(is_complete))
    }

    fn parse_row(&mut self, is_complete: bool) -> LegacySettingRow {
        let line = self.line;
        let rejected = |email: String, reason: String| LegacySettingRow { line, email, export: Err(reason) };
        if !is_complete {
            return rejected(String::new(), format!("the line is longer than {LINE_MAX} bytes"));
        }
        let fields = fields(&mut self.parser, &self.buffer);
        let text = |column: usize| String::from_utf8_lossy(fields.get(column).unwrap_or_default()).into_owned();
        let (email, export) = (text(self.columns.email), text(self.columns.export));
        if fields.len() != self.columns.count {
            let (count, expected) = (fields.len(), self.columns.count);
            return rejected(email, format!("it has {count} fields and the header has {expected}"));
        }
        if std::str::from_utf8(&self.buffer).is_err() {
            return rejected(email, "this is not UTF-8; save the file as UTF-8".to_owned());
        }
        if email.len() > EMAIL_MAX {
            return rejected(email.chars().take(EMAIL_MAX).collect(), format!("it is longer than {EMAIL_MAX} bytes"));
        }
        let export = match export.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("export is `{export}`, not true or false")),
        };
        LegacySettingRow { line, email, export }
    }
}

impl Iterator for LegacySettingsFile {
    type Item = io::Result<LegacySettingRow>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read_line() {
                Ok(None) => return None,
                Ok(Some(_)) if self.buffer.is_empty() => {}
                Ok(Some(is_complete)) => return Some(Ok(self.parse_row(is_complete))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl HeaderColumns {
    fn parse(parser: &mut Reader, header: &[u8]) -> std::result::Result<Self, String> {
        if header.starts_with(&[0xff, 0xfe]) || header.starts_with(&[0xfe, 0xff]) || header.contains(&0) {
            return Err("this is UTF-16; save the file as UTF-8".to_owned());
        }
        let header = header.strip_prefix(BYTE_ORDER_MARK).unwrap_or(header);
        let text = std::str::from_utf8(header).map_err(|_| "line 1 is not UTF-8".to_owned())?;
        let fields = fields(parser, header);
        let names: Vec<_> = fields.iter().map(String::from_utf8_lossy).collect();
        let find = |wanted: &str| {
            let mut found = (0..names.len()).filter(|column| names[*column] == wanted);
            match (found.next(), found.next()) {
                (Some(column), None) => Ok(column),
                (None, _) => Err(format!("there is no column `{wanted}`; the header is `{text}`")),
                (Some(_), Some(_)) => Err(format!("the header names the column `{wanted}` twice")),
            }
        };
        let (email, export) = (find("email")?, find("export")?);
        let others = names.iter().enumerate().filter(|(column, _)| ![email, export].contains(column));
        let ignored = others.map(|(_, name)| name.clone().into_owned()).collect();
        Ok(Self { email, export, count: names.len(), ignored })
    }
}

/// Returns the fields of one line.
fn fields(parser: &mut Reader, line: &[u8]) -> ByteRecord {
    // A missing quote in the line before must not reach this line.
    parser.reset();
    // The parser skips a byte order mark in its first input, which is here an empty line. The mark may begin only a
    // file.
    let _ = parser.read_record(b"\n", &mut [0], &mut [0]);
    // Unquoting never makes a line longer, and a line has fewer separators than bytes.
    let (mut bytes, mut ends) = (vec![0; line.len() + 1], vec![0; line.len() + 2]);
    let (_, _, written, ended) = parser.read_record(line, &mut bytes, &mut ends);
    let (_, _, _, last) = parser.read_record(&[], &mut bytes[written..], &mut ends[ended..]);
    let starts = [0].into_iter().chain(ends.iter().copied());
    starts.zip(&ends[..ended + last]).map(|(start, end)| &bytes[start..*end]).collect()
}
