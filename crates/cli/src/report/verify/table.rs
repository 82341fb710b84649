//! Compares the rows of a table with the manifest: the header, the number and order of rows, and the rows by
//! organization.

use std::collections::BTreeMap;

use rollcall_domain::spreadsheet;

use super::format::{PublishedOrganization, UnpublishedOrganization};

/// The state of the check, between the records of a table.
#[derive(Default)]
pub(super) struct TableCheck<'a> {
    columns: &'a [String],
    /// Whether the header has the expected columns, once it was read.
    header_matches: Option<bool>,
    rows: u64,
    last_key: Option<SortKey>,
    /// The number of rows by organization.
    organization_rows: BTreeMap<String, u64>,
    /// The first row with another number of cells than the header.
    wrong_width: Option<u64>,
    /// The first row that sorts before the row above it.
    out_of_order: Option<u64>,
}

/// What a row is sorted by: the organization, the rank of the assignment, and then the assignment, or the email address
/// and the id of the member.
type SortKey = (String, u32, Vec<String>);

impl<'a> TableCheck<'a> {
    pub(super) fn new(columns: &'a [String]) -> Self {
        Self { columns, ..Self::default() }
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
        *self.organization_rows.entry(self.cell(record, "organization").to_owned()).or_default() += 1;
    }

    fn key(&self, record: &[&str]) -> SortKey {
        let text = |column: &str| spreadsheet::unescape(self.cell(record, column)).to_owned();
        let rank = self.cell(record, "assignment_rank").parse().unwrap_or_default();
        let of_members = self.columns.iter().any(|column| column == "email");
        let last = if of_members { vec![text("email"), text("member")] } else { vec![text("assignment")] };
        (text("organization"), rank, last)
    }

    fn cell<'r>(&self, record: &[&'r str], name: &str) -> &'r str {
        let column = self.columns.iter().position(|column| column == name);
        column.and_then(|column| record.get(column).copied()).unwrap_or_default()
    }

    /// Returns all problems. `rows` and `organizations` are the counts of the manifest.
    pub(super) fn problems(self, rows: u64, organizations: &[PublishedOrganization]) -> Vec<String> {
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
        problems.extend(self.organization_problems(organizations));
        problems
    }

    /// Returns a problem for each missing organization that has rows.
    pub(super) fn missing_problems(&self, missing: &[UnpublishedOrganization]) -> Vec<String> {
        let has_rows = |missing: &&UnpublishedOrganization| self.organization_rows.contains_key(&missing.organization);
        let problem = |missing: &UnpublishedOrganization| {
            format!("it has rows of {}, which the manifest lists as missing", missing.organization)
        };
        missing.iter().filter(has_rows).map(problem).collect()
    }

    fn organization_problems(mut self, organizations: &[PublishedOrganization]) -> Vec<String> {
        let mut problems = Vec::new();
        for counts in organizations {
            let found = self.organization_rows.remove(counts.organization.as_str()).unwrap_or_default();
            if found != counts.rows {
                let PublishedOrganization { organization, rows, .. } = counts;
                problems.push(format!("{organization} has {found} rows, the manifest says {rows}"));
            }
        }
        if !organizations.is_empty() {
            let unknown = self.organization_rows.into_keys();
            problems.extend(unknown.map(|organization| format!("the manifest does not list {organization:?}")));
        }
        problems
    }
}
