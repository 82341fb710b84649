//! Old settings from a CSV file of any size, a line at a time: a line that makes no sense spoils no other.

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Read as _},
    path::Path,
};

use csv::{ByteRecord, ReaderBuilder};

use crate::error::{Error, Result};

/// A longer line is not taken.
const LINE_MAX: usize = 64 * 1024;
/// A longer address is not taken; the server takes much shorter ones only.
const EMAIL_MAX: usize = 1_000;
/// What is read at a time.
const BUFFER: usize = 64 * 1024;

/// A row of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its line, the header's being 1.
    pub(super) line: u64,
    /// The address, as it is written.
    pub(super) email: String,
    /// Whether emails are exported, or why the row cannot be sent.
    pub(super) export: std::result::Result<bool, String>,
}

/// The rows of a file, in their order. Empty lines are none.
pub(super) struct Rows {
    reader: BufReader<File>,
    line: u64,
    buffer: Vec<u8>,
    columns: Columns,
}

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Columns {
    email: usize,
    export: usize,
    /// How many fields a row has.
    count: usize,
    ignored: Vec<String>,
}

impl Rows {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// A file that cannot be read, is not UTF-8, or has no columns `email` and `export`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let reader = File::open(path).map_err(Error::doing(format!("cannot read {shown}")))?;
        let reader = BufReader::with_capacity(BUFFER, reader);
        let mut rows = Self { reader, line: 0, buffer: Vec::new(), columns: Columns::default() };
        let whole = rows.read_line().map_err(Error::doing(format!("cannot read {shown}")))?;
        let header = match whole {
            None => Err("it is empty".to_owned()),
            Some(false) => Err(format!("line 1 is longer than {LINE_MAX} bytes")),
            Some(true) => Columns::read(&rows.buffer),
        };
        let usual = "a first line `email,export`, then a line for each address with true or false, in UTF-8";
        rows.columns = header.map_err(|problem| Error::failed(format!("{shown}: {problem}; give {usual}")))?;
        Ok(rows)
    }

    /// The columns that mean nothing here.
    pub(super) fn ignored(&self) -> &[String] {
        &self.columns.ignored
    }

    /// Reads a line without its end; whether it was not too long. `None` at the end.
    fn read_line(&mut self) -> io::Result<Option<bool>> {
        self.buffer.clear();
        let limit = u64::try_from(LINE_MAX).unwrap_or(u64::MAX);
        if self.reader.by_ref().take(limit).read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let mut ended = self.buffer.ends_with(b"\n");
        let whole = ended || self.buffer.len() < LINE_MAX;
        while !whole && !ended {
            let mut rest = Vec::new();
            let read = self.reader.by_ref().take(limit).read_until(b'\n', &mut rest)?;
            ended = read == 0 || rest.ends_with(b"\n");
        }
        while self.buffer.ends_with(b"\n") || self.buffer.ends_with(b"\r") {
            self.buffer.pop();
        }
        Ok(Some(whole))
    }

    fn row(&self, whole: bool) -> Row {
        let refused = |email: String, why: String| Row { line: self.line, email, export: Err(why) };
        if !whole {
            return refused(String::new(), format!("the line is longer than {LINE_MAX} bytes"));
        }
        let fields = fields(&self.buffer);
        let text = |column: usize| String::from_utf8_lossy(fields.get(column).unwrap_or_default()).into_owned();
        let (email, export) = (text(self.columns.email), text(self.columns.export));
        if fields.len() != self.columns.count {
            return refused(email, format!("it has {} fields and the header has {}", fields.len(), self.columns.count));
        }
        if std::str::from_utf8(&self.buffer).is_err() {
            return refused(email, "this is not UTF-8; save the file as UTF-8".to_owned());
        }
        if email.len() > EMAIL_MAX {
            return refused(email.chars().take(EMAIL_MAX).collect(), format!("it is longer than {EMAIL_MAX} bytes"));
        }
        let export = match export.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(format!("export is `{export}`, not true or false")),
        };
        Row { line: self.line, email, export }
    }
}

impl Iterator for Rows {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.read_line() {
                Ok(None) => return None,
                Ok(Some(_)) if self.buffer.is_empty() => {}
                Ok(Some(whole)) => return Some(Ok(self.row(whole))),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

impl Columns {
    fn read(header: &[u8]) -> std::result::Result<Self, String> {
        if header.starts_with(&[0xff, 0xfe]) || header.starts_with(&[0xfe, 0xff]) || header.contains(&0) {
            return Err("this is UTF-16; save the file as UTF-8".to_owned());
        }
        let header = header.strip_prefix("\u{feff}".as_bytes()).unwrap_or(header);
        let text = std::str::from_utf8(header).map_err(|_| "line 1 is not UTF-8".to_owned())?;
        let fields = fields(header);
        let names: Vec<&str> = fields.iter().filter_map(|name| std::str::from_utf8(name).ok()).collect();
        let find = |wanted: &str| {
            let mut found = names.iter().enumerate().filter(|(_, name)| **name == wanted).map(|(place, _)| place);
            match (found.next(), found.next()) {
                (Some(place), None) => Ok(place),
                (None, _) => Err(format!("there is no column `{wanted}`; the header is `{text}`")),
                (Some(_), Some(_)) => Err(format!("the column `{wanted}` is there twice")),
            }
        };
        let (email, export) = (find("email")?, find("export")?);
        let others = names.iter().enumerate().filter(|(place, _)| ![email, export].contains(place));
        let ignored = others.map(|(_, name)| (*name).to_owned()).collect();
        Ok(Self { email, export, count: names.len(), ignored })
    }
}

/// The fields of one line.
fn fields(line: &[u8]) -> ByteRecord {
    // Nearly every line; a reader takes far longer to make than to use.
    if !line.contains(&b'"') {
        return line.split(|byte| *byte == b',').collect();
    }
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).buffer_capacity(512).from_reader(line);
    let mut record = ByteRecord::new();
    // Reading from memory does not fail, and fields that differ in number are what `flexible` is for.
    let _ = reader.read_byte_record(&mut record);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(content: &[u8]) -> Result<Rows> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        Rows::open(file.path())
    }

    /// Each row as `line email export`, or `line email why`.
    fn read(content: &[u8]) -> Vec<String> {
        let shown = |row: Row| match row.export {
            Ok(export) => format!("{} {} {export}", row.line, row.email),
            Err(why) => format!("{} {} {why}", row.line, row.email),
        };
        open(content).unwrap().map(|row| shown(row.unwrap())).collect()
    }

    #[test]
    fn rows_have_their_lines_whatever_ends_them() {
        let expected = ["2 a@x true", "4 \"b\"@x false"];
        assert_eq!(read(b"email,export\na@x,true\n\n\"\"\"b\"\"@x\",false"), expected);
        assert_eq!(read(b"\xef\xbb\xbfemail,export\r\na@x,TRUE\r\n\r\n\"\"\"b\"\"@x\", False\r\n"), expected);
        assert_eq!(read(b"export,email\ntrue,a@x\n\nfalse,\"\"\"b\"\"@x\"\n"), expected);
    }

    #[test]
    fn a_line_that_makes_no_sense_spoils_no_other() {
        let long = format!("{},true", "x".repeat(3 * LINE_MAX));
        let content = [
            b"email,export\n\"a@x,true\nb@x\nc@x,true,1\nd@x,maybe\n\xfc@x,true\n".as_slice(),
            long.as_bytes(),
            b"\nok@x,true\n",
        ];
        let rows = read(&content.concat());
        assert_eq!(rows.len(), 7);
        assert_eq!(rows[0], "2 a@x,true it has 1 fields and the header has 2");
        assert_eq!(rows[1], "3 b@x it has 1 fields and the header has 2");
        assert_eq!(rows[2], "4 c@x it has 3 fields and the header has 2");
        assert_eq!(rows[3], "5 d@x export is `maybe`, not true or false");
        assert_eq!(rows[4], "6 \u{fffd}@x this is not UTF-8; save the file as UTF-8");
        assert_eq!(rows[5], "7  the line is longer than 65536 bytes");
        assert_eq!(rows[6], "8 ok@x true");
    }

    #[test]
    fn a_file_without_the_columns_is_refused_whole() {
        let refusal = |content: &[u8]| open(content).err().unwrap().to_string();
        for (content, why) in [
            (b"".as_slice(), "it is empty"),
            (b"\xff\xfee\0m\0a\0i\0l\0,\0", "this is UTF-16"),
            (b"\xfe\xff\0e\0m\0a\0i\0l", "this is UTF-16"),
            (b"e\0m\0a\0i\0l\0,\0", "this is UTF-16"),
            (b"email,exp\xf6rt\n", "line 1 is not UTF-8"),
            (b"email\n", "there is no column `export`; the header is `email`"),
            (b"a@x.example,true\n", "there is no column `email`; the header is `a@x.example,true`"),
            (b"email,export,email\n", "the column `email` is there twice"),
        ] {
            let line = refusal(content);
            assert!(line.contains(&format!(": {why}")) && line.contains("`email,export`"), "{line}");
        }
    }

    #[test]
    fn columns_that_mean_nothing_are_named() {
        let rows = open(b"note,email,export\n-,a@x,true\n").unwrap();
        assert_eq!(rows.ignored(), ["note"]);
        assert_eq!(rows.map(|row| row.unwrap().export).collect::<Vec<_>>(), [Ok(true)]);
    }
}
