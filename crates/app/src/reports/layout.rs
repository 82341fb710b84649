//! Where the files of a report lie in the report store: `mixed-settings/{report}/{fence}/{file}`, and
//! `mixed-settings/latest.json`.

use rollcall_domain::Timestamp;

/// The folder of all mixed-settings reports, and the prefix of their ids.
pub const REPORT_FOLDER: &str = "mixed-settings";
/// The job that writes the mixed-settings report.
pub const MIXED_REPORT_JOB: &str = "mixed-settings-report";
/// The data file of a report.
pub const MIXED_FILE: &str = "mixed-settings.csv";
/// The table of what changed since the previous report.
pub const CHANGES_FILE: &str = "changes.csv";
/// The description of the columns of the data file.
pub const SCHEMA_FILE: &str = "mixed-settings.schema.json";
/// The page for people.
pub const PAGE_FILE: &str = "index.html";
/// The manifest: it describes the other files of the report, and is written last.
pub const MANIFEST_FILE: &str = "manifest.json";
/// The file that names the report with the newest data, beside the folders of the reports.
pub const LATEST_FILE: &str = "latest.json";

/// How many members are read at a time.
pub(super) const PAGE: usize = 2_000;
/// The size in bytes of a chunk of a stream, approximately.
pub(super) const CHUNK: usize = 64 * 1024;

/// Returns the folder of the report for a time. Each attempt at the report has a folder of its own in it.
pub(crate) fn report_folder(scheduled_for: Timestamp) -> String {
    format!("{REPORT_FOLDER}/{}", report_id(scheduled_for))
}

/// Returns the id of the report for a time, with microseconds if the time has any: no two runs of a job have the same
/// time.
pub(super) fn report_id(scheduled_for: Timestamp) -> String {
    let whole = scheduled_for.timestamp_subsec_micros() == 0;
    let format = if whole { "%Y%m%dt%H%M%Sz" } else { "%Y%m%dt%H%M%S-%6fz" };
    format!("{REPORT_FOLDER}-{}", scheduled_for.format(format))
}

#[cfg(test)]
mod tests {
    use super::report_id;

    #[test]
    fn a_report_is_named_after_the_time_of_its_run() {
        let nightly = report_id("2026-11-22T02:00:00Z".parse().unwrap());
        assert_eq!(nightly, "mixed-settings-20261122t020000z");
        let requested = report_id("2026-11-22T10:15:30.048291Z".parse().unwrap());
        assert_eq!(requested, "mixed-settings-20261122t101530-048291z");
    }
}
