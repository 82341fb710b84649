//! The table `changes.csv`: its columns, and the cells of a row in the same order.

use rollcall_domain::{AssignmentId, OrganizationId, UpdateMode, email_export::Summary};
use rollcall_store::members::mixed::ReportedAssignment;

use super::csv::CsvPage;
use crate::Result;

/// The columns of `changes.csv`.
pub(super) const CHANGES_COLUMNS: [&str; 9] = [
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

/// A mixed assignment of a report, without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ComparedAssignment {
    pub(super) organization: OrganizationId,
    pub(super) rank: u32,
    pub(super) id: AssignmentId,
    pub(super) name: String,
    pub(super) update_mode: UpdateMode,
    /// Active members with EXPORT.
    pub(super) exporting: u32,
    /// Active members with `DO_NOT_EXPORT`.
    pub(super) not_exporting: u32,
}

impl ComparedAssignment {
    /// The assignment as the new report shows it.
    pub(super) fn new(organization: &OrganizationId, assignment: &ReportedAssignment) -> Self {
        Self {
            organization: organization.clone(),
            rank: assignment.rank,
            id: assignment.id.clone(),
            name: assignment.name.clone(),
            update_mode: assignment.update_mode,
            exporting: assignment.summary.exporting,
            not_exporting: assignment.summary.not_exporting,
        }
    }
}

/// How an assignment differs between two reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum ChangeKind {
    /// The assignment is mixed, and was not mixed in the previous report.
    NewlyMixed,
    /// The assignment was mixed in the previous report, and is not mixed any more.
    Resolved,
}

/// A row of `changes.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AssignmentChange {
    pub(super) kind: ChangeKind,
    /// The assignment as the new report shows it; a resolved one as the previous report showed it.
    pub(super) assignment: ComparedAssignment,
}

/// Writes the row of a change.
pub(super) fn write_change(page: &mut CsvPage, change: &AssignmentChange) -> Result<()> {
    let ComparedAssignment { organization, rank, id, name, update_mode, exporting, not_exporting } = &change.assignment;
    let summary = Summary { exporting: *exporting, not_exporting: *not_exporting, inactive: 0 };
    page.text(organization.as_str())?;
    page.text(id.as_str())?;
    page.text(name)?;
    page.word(change.kind.into())?;
    page.number(*rank)?;
    page.word(update_mode.as_str())?;
    page.flag(update_mode.action_required(summary))?;
    page.number(*exporting)?;
    page.number(*not_exporting)?;
    page.end_row()
}
