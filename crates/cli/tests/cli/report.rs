//! What `rollcall report list` prints.

use prost_types::Timestamp;
use rollcall_cli::report::list::report_text;
use rollcall_proto::v1::{MissingOrganization, MissingOrganizationReason, Report, ReportFile};

#[test]
fn a_report_is_shown_with_its_counts_and_what_it_lacks() {
    let complete = Report {
        name: "reports/mixed-settings-20261122t020000z".to_owned(),
        data_as_of: Some(Timestamp { seconds: 1_795_312_800, nanos: 0 }),
        data: Some(ReportFile { rows: 5, ..Default::default() }),
        organization_count: 3,
        mixed_assignment_count: 2,
        ..Default::default()
    };
    let line = "mixed-settings-20261122t020000z: data as of 2026-11-22T02:00:00Z, 5 rows of 2 mixed assignments in 3 organizations";
    assert_eq!(report_text(&complete), line);
    let reason = MissingOrganizationReason::InvalidRows.into();
    let missing = MissingOrganization { organization: "organizations/acme".to_owned(), reason };
    let partial = Report { missing_organization_count: 3, missing_organizations: vec![missing], ..complete };
    let expected = format!("{line}\n  missing: acme, INVALID_ROWS\n  missing: 2 more, see manifest.json");
    assert_eq!(report_text(&partial), expected);
}
