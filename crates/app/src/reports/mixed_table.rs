//! The table of the mixed-settings report: its columns, and the cells of a row in the same order. A new column needs an
//! entry in both, and a description in `mixed-settings.schema.json`.

use rollcall_domain::OrganizationId;
use rollcall_store::members::mixed::{ReportedAssignment, ReportedMember};

use super::csv::CsvPage;
use crate::Result;

/// The columns of the mixed-settings report.
pub const MIXED_COLUMNS: [&str; 14] = [
    "organization",
    "assignment",
    "assignment_name",
    "assignment_rank",
    "update_mode",
    "action_required",
    "members_exporting",
    "members_not_exporting",
    "member",
    "email",
    "status",
    "email_export",
    "email_export_since",
    "email_export_source",
];

/// Writes the row of a member of a mixed assignment.
///
/// # Errors
/// [`crate::Error::Internal`].
pub fn write_mixed(
    page: &mut CsvPage,
    organization: &OrganizationId,
    assignment: &ReportedAssignment,
    member: &ReportedMember,
) -> Result<()> {
    page.assignment_name(organization, assignment)?;
    page.assignment_state(assignment)?;
    page.text(member.id.as_str())?;
    page.text(member.email.as_str())?;
    page.status(member.active)?;
    page.email_export(member.export)?;
    page.end_row()
}
