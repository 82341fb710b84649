//! What came of each row of an import: told from the server's answer, in a second reading of the file.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
};

use rollcall_app::reports::{Profile, csv::CsvPage};
use rollcall_domain::Email;
use rollcall_proto::v1::ImportLegacySettingsResponse;

use super::rows::Row;
use crate::error::{Error, Result};

const COLUMNS: [&str; 4] = ["line", "email", "outcome", "reason"];
/// How many rows are put into bytes at a time.
const PAGE: usize = 1_000;

/// What the server says of the rows that it was sent, by their addresses. Good rows need no memory.
pub(super) struct Answered {
    rejected: HashMap<String, String>,
    waiting: HashSet<String>,
    duplicate: HashSet<String>,
    /// Duplicate addresses of which a row has come by.
    seen: HashSet<String>,
}

impl Answered {
    pub(super) fn new(answer: &mut ImportLegacySettingsResponse) -> Self {
        let rejected = std::mem::take(&mut answer.rejected);
        Self {
            rejected: rejected.into_iter().map(|row| (row.key, row.reason)).collect(),
            waiting: std::mem::take(&mut answer.unmatched_emails).into_iter().collect(),
            duplicate: std::mem::take(&mut answer.duplicate_emails).into_iter().collect(),
            seen: HashSet::new(),
        }
    }

    /// The outcome of a row, and its reason. Rows have to come in the order of the file.
    pub(super) fn outcome<'a>(&'a mut self, row: &'a Row) -> (&'static str, &'a str) {
        let (Ok(_), Ok(email)) = (&row.export, Email::parse(&row.email)) else {
            let sent = self.rejected.get(&row.email).map(String::as_str);
            return ("rejected", row.export.as_ref().err().map(String::as_str).or(sent).unwrap_or_default());
        };
        if let Some(reason) = self.rejected.get(&row.email) {
            return ("rejected", reason);
        }
        if self.duplicate.contains(email.as_str()) && !self.seen.insert(email.as_str().to_owned()) {
            return ("duplicate", "it says the same as an earlier row");
        }
        if self.waiting.contains(email.as_str()) {
            return ("waiting", "no member has this address yet; kept until one is synced with it");
        }
        ("taken", "")
    }
}

/// The file of outcomes.
pub(super) struct Outcomes {
    file: BufWriter<File>,
    page: CsvPage,
    rows: usize,
}

impl Outcomes {
    pub(super) fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).map_err(Error::doing(format!("cannot write {}", path.display())))?;
        let mut page = CsvPage::new(Profile::Spreadsheet);
        page.header(&COLUMNS).map_err(Error::doing("cannot write the outcomes"))?;
        Ok(Self { file: BufWriter::new(file), page, rows: 0 })
    }

    pub(super) fn add(&mut self, row: &Row, outcome: &str, reason: &str) -> Result {
        let cells = [&row.line.to_string(), row.email.as_str(), outcome, reason];
        self.page.cells(&cells).map_err(Error::doing("cannot write the outcomes"))?;
        self.rows += 1;
        if self.rows.is_multiple_of(PAGE) { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result {
        let page = std::mem::replace(&mut self.page, CsvPage::new(Profile::Spreadsheet));
        let bytes = page.finish().map_err(Error::doing("cannot write the outcomes"))?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.flush());
        written.map_err(Error::doing("cannot write the outcomes"))
    }
}
