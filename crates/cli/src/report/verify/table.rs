//! Compares the rows of a table with the manifest: the header, the number and order of rows, and the rows by
//! organization.

use std::collections::BTreeMap;

use rollcall_domain::spreadsheet;

use super::format::PublishedOrganization;

/// The columns by which a table of members is sorted.
const MEMBER_ORDER: [&str; 4] = ["organization", "assignment_rank", "email", "member"];
/// The columns by which a table of assignments is sorted.
const ASSIGNMENT_ORDER: [&str; 3] = ["organization", "assignment_rank", "assignment"];

/// The state of the check, between the records of a table.
pub(super) struct TableCheck<'a> {
    columns: &'a [String],
    /// Whether the header has the expected columns, once it was read.
    header_matches: Option<bool>,
    rows: u64,
    last_key: Option<Vec<SortCell>>,
    rows_of: BTreeMap<String, u64>,
    /// The first row with another number of cells than the header.
    wrong_width: Option<u64>,
    /// The first row that sorts before the row above it.
    out_of_order: Option<u64>,
}

/// The value by which a cell is sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SortCell {
    Number(u32),
    Text(String),
}

impl<'a> TableCheck<'a> {
    pub(super) fn new(columns: &'a [String]) -> Self {
        let (header_matches, last_key, rows_of) = (None, None, BTreeMap::new());
        Self { columns, header_matches, rows: 0, last_key, rows_of, wrong_width: None, out_of_order: None }
    }

    /// Adds the next record. The header is the first one.
    pub(super) fn add(&mut self, record: &[&str]) {
        if self.header_matches.is_none() {
            self.header_matches = Some(record == self.columns);
            return;
        }
        self.rows += 1;
        if record.len() != self.columns.len() {
            self.wrong_width.get_or_insert(self.rows);
            return;
        }
        let key = self.key(record);
        if self.last_key.as_ref().is_some_and(|last| *last > key) {
            self.out_of_order.get_or_insert(self.rows);
        }
        self.last_key = Some(key);
        let organization = self.cell(record, "organization");
        match self.rows_of.get_mut(organization) {
            Some(rows) => *rows += 1,
            None => drop(self.rows_of.insert(organization.to_owned(), 1)),
        }
    }

    fn key(&self, record: &[&str]) -> Vec<SortCell> {
        let of_members = self.columns.iter().any(|column| column == "email");
        let order: &[&str] = if of_members { &MEMBER_ORDER } else { &ASSIGNMENT_ORDER };
        let cell = |name: &&str| match (*name, self.cell(record, name)) {
            ("assignment_rank", rank) => SortCell::Number(rank.parse().unwrap_or_default()),
            (_, text) => SortCell::Text(spreadsheet::unescape(text).to_owned()),
        };
        order.iter().map(cell).collect()
    }

    fn cell<'r>(&self, record: &[&'r str], name: &str) -> &'r str {
        let column = self.columns.iter().position(|column| column == name);
        column.and_then(|column| record.get(column).copied()).unwrap_or_default()
    }

    /// Returns all problems. `rows` and `organizations` are the counts of the manifest.
    pub(super) fn problems(self, rows: u64, organizations: Option<&[PublishedOrganization]>) -> Vec<String> {
        let mut problems = Vec::new();
        if self.header_matches != Some(true) {
            problems.push("its header is not the columns of the manifest".to_owned());
        }
        if let Some(row) = self.wrong_width {
            problems.push(format!("row {row} has another number of cells than the header"));
        }
        if self.rows != rows {
            problems.push(format!("it has {} rows, the manifest says {rows}", self.rows));
        }
        if let Some(row) = self.out_of_order {
            problems.push(format!("row {row} is out of order"));
        }
        problems.extend(self.organization_problems(organizations.unwrap_or_default()));
        problems
    }

    fn organization_problems(mut self, organizations: &[PublishedOrganization]) -> Vec<String> {
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
            problems.extend(unknown.map(|organization| format!("the manifest does not list {organization:?}")));
        }
        problems
    }
}
