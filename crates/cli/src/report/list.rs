//! `rollcall report list`: shows the published reports, the newest first.

use rollcall_proto::v1::{ListReportsRequest, Report};

use crate::{
    connection::{ServerConnection, answer},
    error::Result,
    output::print_line,
};

/// `rollcall report list`.
///
/// # Errors
/// The call fails.
pub async fn run(server: &ServerConnection) -> Result {
    let mut request = ListReportsRequest::default();
    let mut number = 0;
    loop {
        let page = answer("cannot list the reports", server.reports().list_reports(request.clone()).await)?;
        page.reports.iter().for_each(|report| print_line(report_text(report)));
        number += page.reports.len();
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    if number == 0 {
        print_line("there is no report yet; `rollcall job run mixed-settings-report` writes one");
    }
    Ok(())
}

/// Returns one line with the report and its counts, and one line for each missing organization that the server names.
#[must_use]
pub fn report_text(report: &Report) -> String {
    let id = report.name.strip_prefix("reports/").unwrap_or(&report.name);
    let time = report.data_as_of.map(|time| format!("data as of {time}, ")).unwrap_or_default();
    let rows = report.data.as_ref().map_or(0, |data| data.rows);
    let Report { mixed_assignment_count, organization_count, missing_organization_count, .. } = report;
    let mut text = format!(
        "{id}: {time}{rows} rows of {mixed_assignment_count} mixed assignments in {organization_count} organizations"
    );
    for missing in &report.missing_organizations {
        let organization = missing.organization.strip_prefix("organizations/").unwrap_or(&missing.organization);
        let reason = missing.reason().as_str_name().trim_start_matches("MISSING_ORGANIZATION_REASON_");
        text = format!("{text}\n  missing: {organization}, {reason}");
    }
    let unnamed = missing_organization_count - i32::try_from(report.missing_organizations.len()).unwrap_or(i32::MAX);
    if unnamed > 0 { format!("{text}\n  missing: {unnamed} more, see manifest.json") } else { text }
}
