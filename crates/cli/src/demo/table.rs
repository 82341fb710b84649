//! The assignments of an organization as a table.

use rollcall_proto::v1::{Assignment, EmailExportState, UpdateMode};

use crate::table::aligned_lines;

const HEADER: [&str; 8] = ["rank", "name", "mode", "members", "exporting", "not exporting", "state", "action required"];
/// Columns of numbers are aligned to the right.
const RIGHT: [bool; 8] = [true, false, false, true, true, true, false, false];

/// Returns the table with a header and a line below it.
pub(super) fn assignment_table(assignments: &[Assignment]) -> String {
    let rows: Vec<[String; 8]> = [HEADER.map(str::to_owned)].into_iter().chain(assignments.iter().map(cells)).collect();
    let mut lines = aligned_lines(&rows, RIGHT);
    let widths = (0..HEADER.len()).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
    let rule: Vec<String> = widths.map(|width| "-".repeat(width)).collect();
    lines.insert(1, rule.join("  "));
    lines.join("\n")
}

fn cells(assignment: &Assignment) -> [String; 8] {
    let summary = assignment.email_export_summary.unwrap_or_default();
    let mode = match assignment.update_mode() {
        UpdateMode::AutomaticUpdates => "Automatic updates",
        UpdateMode::ManualEditing => "Manual editing",
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
        state.to_owned(),
        if summary.action_required { "yes" } else { "no" }.to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use rollcall_proto::v1::EmailExportSummary;

    use super::*;

    #[test]
    fn columns_are_aligned() {
        let assignment = |rank, name: &str, mode: UpdateMode, state: EmailExportState, exporting| Assignment {
            rank,
            display_name: name.to_owned(),
            update_mode: mode.into(),
            member_count: 12,
            email_export_summary: Some(EmailExportSummary {
                state: state.into(),
                exporting,
                action_required: state == EmailExportState::Mixed,
                ..Default::default()
            }),
            ..Default::default()
        };
        let table = assignment_table(&[
            assignment(1, "Zürich", UpdateMode::AutomaticUpdates, EmailExportState::Mixed, 10),
            assignment(2, "Default", UpdateMode::ManualEditing, EmailExportState::DoNotExport, 0),
        ]);
        let expected = "\
rank  name     mode               members  exporting  not exporting  state          action required
----  -------  -----------------  -------  ---------  -------------  -------------  ---------------
   1  Zürich   Automatic updates       12         10              0  MIXED          yes
   2  Default  Manual editing          12          0              0  DO_NOT_EXPORT  no";
        assert_eq!(table, expected);
    }
}
