//! Whether the rows of a table are what the manifest says: header, number, order, and how many of each organization.

use std::collections::BTreeMap;

use csv::StringRecord;
use rollcall_app::reports::OrganizationCounts;

/// What tables are sorted by, as far as they have these columns: a member's row by the email, a change by the
/// assignment.
const ORDER: [&str; 4] = ["organization", "assignment_rank", "email", "member"];
const ORDER_WITHOUT_MEMBERS: [&str; 3] = ["organization", "assignment_rank", "assignment"];

/// A table while it passes by.
pub(super) struct Table<'a> {
    columns: &'a [String],
    header: Option<StringRecord>,
    rows: u64,
    last: Option<Vec<Cell>>,
    rows_of: BTreeMap<String, u64>,
    /// The first row of each kind that is wrong.
    too_wide: Option<u64>,
    out_of_order: Option<u64>,
}

/// A cell as it is sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Number(u32),
    Text(String),
}

impl<'a> Table<'a> {
    pub(super) fn new(columns: &'a [String]) -> Self {
        let (header, last, rows_of) = (None, None, BTreeMap::new());
        Self { columns, header, rows: 0, last, rows_of, too_wide: None, out_of_order: None }
    }

    /// The next record, the header first.
    pub(super) fn take(&mut self, record: &StringRecord) {
        if self.header.is_none() {
            self.header = Some(record.clone());
            return;
        }
        self.rows += 1;
        if record.len() != self.columns.len() {
            self.too_wide.get_or_insert(self.rows);
            return;
        }
        let key = self.key(record);
        if self.last.as_ref().is_some_and(|last| *last > key) {
            self.out_of_order.get_or_insert(self.rows);
        }
        self.last = Some(key);
        let organization = self.cell(record, "organization");
        match self.rows_of.get_mut(organization) {
            Some(rows) => *rows += 1,
            None => drop(self.rows_of.insert(organization.to_owned(), 1)),
        }
    }

    fn key(&self, record: &StringRecord) -> Vec<Cell> {
        let of_members = self.columns.iter().any(|column| column == "email");
        let order: &[&str] = if of_members { &ORDER } else { &ORDER_WITHOUT_MEMBERS };
        let cell = |name: &&str| match (*name, self.cell(record, name)) {
            ("assignment_rank", rank) => Cell::Number(rank.parse().unwrap_or_default()),
            (_, text) => Cell::Text(without_apostrophe(text).to_owned()),
        };
        order.iter().map(cell).collect()
    }

    fn cell<'r>(&self, record: &'r StringRecord, name: &str) -> &'r str {
        let column = self.columns.iter().position(|column| column == name);
        column.and_then(|column| record.get(column)).unwrap_or_default()
    }

    /// All that is wrong; `organizations` is what the manifest says of each, where it does.
    pub(super) fn finish(self, rows: u64, organizations: Option<&[OrganizationCounts]>) -> Vec<String> {
        let mut problems = Vec::new();
        if !self.header.as_ref().is_some_and(|header| header.iter().eq(self.columns)) {
            problems.push("its header is not the columns of the manifest".to_owned());
        }
        if let Some(row) = self.too_wide {
            problems.push(format!("row {row} has not as many cells as the manifest has columns"));
        }
        if self.rows != rows {
            problems.push(format!("it has {} rows, the manifest says {rows}", self.rows));
        }
        if let Some(row) = self.out_of_order {
            problems.push(format!("row {row} is out of order"));
        }
        problems.extend(self.differences_of(organizations.unwrap_or_default()));
        problems
    }

    fn differences_of(mut self, organizations: &[OrganizationCounts]) -> Vec<String> {
        let mut problems = Vec::new();
        for counts in organizations {
            let found = self.rows_of.remove(counts.organization.as_str()).unwrap_or_default();
            if found != counts.rows {
                let (organization, said) = (&counts.organization, counts.rows);
                problems.push(format!("{organization} has {found} rows, the manifest says {said}"));
            }
        }
        if !organizations.is_empty() {
            let unknown = self.rows_of.into_keys();
            problems.extend(unknown.map(|organization| format!("the manifest does not know {organization:?}")));
        }
        problems
    }
}

/// Text as it is sorted: without what makes it harmless in a spreadsheet.
fn without_apostrophe(text: &str) -> &str {
    let bare = text.strip_prefix('\'');
    bare.filter(|bare| bare.starts_with(['=', '+', '-', '@', '\t', '\r'])).unwrap_or(text)
}
