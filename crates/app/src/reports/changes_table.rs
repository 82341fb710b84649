//! The table `changes.csv`: its columns, and the cells of a row in the same order.

use rollcall_domain::OrganizationId;
use rollcall_store::members::mixed::ReportedAssignment;

use super::csv::CsvPage;
use crate::Result;

/// The columns of `changes.csv`.
pub const CHANGES_COLUMNS: [&str; 9] = [
    "organization",
    "assignment",
    "assignment_name",
    "change",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
];

/// How an assignment differs between two reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ChangeKind {
    /// The assignment is mixed, and was not mixed in the previous report.
    NewlyMixed,
    /// The assignment was mixed in the previous report, and is not mixed any more.
    Resolved,
}

/// A mixed assignment of a report, without its members. The summary of one that was read from a file does not count the
/// inactive members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ComparedAssignment {
    pub(super) organization: OrganizationId,
    pub(super) assignment: ReportedAssignment,
}

/// Writes the row of a change: with the assignment of the new report, or of the previous report if it is resolved.
pub(super) fn write_change(page: &mut CsvPage, kind: ChangeKind, compared: &ComparedAssignment) -> Result<()> {
    let ComparedAssignment { organization, assignment } = compared;
    page.assignment_name(organization, assignment)?;
    page.word(kind.into())?;
    page.assignment_state(assignment)?;
    page.end_row()
}
