//! The assignments of an organization as a table.

use rollcall_proto::v1::{Assignment, EmailExportState, UpdateMode};

use crate::output::{aligned_lines, column_widths};

const HEADER: [&str; 9] = ["rank", "name", "mode", "members", "export", "do not", "inactive", "state", "action"];
/// Columns of numbers are aligned to the right.
const RIGHT: [bool; 9] = [true, false, false, true, true, true, true, false, false];

/// Returns the table with a header and a line below it.
#[must_use]
pub fn assignment_table(assignments: &[Assignment]) -> String {
    let rows: Vec<[String; 9]> = [HEADER.map(str::to_owned)].into_iter().chain(assignments.iter().map(cells)).collect();
    let mut lines = aligned_lines(&rows, RIGHT);
    let rule = column_widths(&rows).map(|width| "-".repeat(width));
    lines.insert(1, rule.join("  "));
    lines.join("\n")
}

fn cells(assignment: &Assignment) -> [String; 9] {
    let summary = assignment.email_export_summary.unwrap_or_default();
    let mode = match assignment.update_mode() {
        UpdateMode::AutomaticUpdates => "automatic",
        UpdateMode::ManualEditing => "manual",
        UpdateMode::Unspecified => "-",
    };
    let state = match summary.state() {
        EmailExportState::Unspecified => "-",
        EmailExportState::Export => "EXPORT",
        EmailExportState::DoNotExport => "DO_NOT_EXPORT",
        EmailExportState::Mixed => "MIXED",
    };
    [
        assignment.rank.to_string(),
        assignment.display_name.clone(),
        mode.to_owned(),
        assignment.member_count.to_string(),
        summary.exporting.to_string(),
        summary.not_exporting.to_string(),
        summary.inactive.to_string(),
        state.to_owned(),
        if summary.action_required { "yes" } else { "no" }.to_owned(),
    ]
}
