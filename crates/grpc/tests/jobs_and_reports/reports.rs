//! The mixed-settings report: its content, and its download.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use prost_types::Timestamp;
use rollcall_proto::v1::{
    Assignment, DownloadReportRequest, DownloadReportResponse, EmailExport, GetReportRequest, ListReportsRequest,
    Member as MemberMessage, MissingOrganization, MissingOrganizationReason, Phase, Report, ReportFile,
    UpdateAssignmentRequest, UpdateMemberSettingsRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, refused};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{REPORT, ended};

/// Creates an organization with a mixed automatic, a mixed manual and a uniform assignment, and an organization in
/// phase LEGACY.
async fn mixed(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    let members = [
        Member::new("agreed", &["eng"]),
        Member::new("gone", &["sales"]).inactive(),
        Member::new("hand1", &["ops"]),
        Member::new("hand2", &["ops"]),
        Member::new("no", &["sales"]),
        Member::new("yes", &["sales"]),
    ];
    org.sync(&members).await;
    org.assign("sales", &["sales"], UpdateMode::AutomaticUpdates, None).await;
    org.assign("engineering", &["eng"], UpdateMode::AutomaticUpdates, None).await;
    org.assign("operations", &["ops"], UpdateMode::ManualEditing, None).await;
    org.import(&[("yes", true), ("gone", true), ("agreed", true)]).await;
    org.migrate().await;
    let email_export = EmailExport::Export.into();
    let member = Some(MemberMessage { name: org.member("hand1"), email_export, ..Default::default() });
    let request = UpdateMemberSettingsRequest { member, ..Default::default() };
    server.members().update_member_settings(request).await.unwrap();
    Org::create(server, "zoo", Phase::Legacy).await.sync(&[Member::new("z", &[])]).await;
    Org::create(server, "fresh", Phase::Migrated).await;
    org
}

async fn reports(server: &TestServer) -> Vec<Report> {
    server.reports_service().list_reports(ListReportsRequest::default()).await.unwrap().into_inner().reports
}

fn file(report: &str, file: &str, offset: i64) -> DownloadReportRequest {
    DownloadReportRequest { name: report.to_owned(), file: file.to_owned(), offset }
}

async fn download(server: &TestServer, request: DownloadReportRequest) -> String {
    pieces_and_end(server, request).await.0
}

/// Returns the bytes of a download, and its last message, which describes the whole file.
async fn pieces_and_end(server: &TestServer, request: DownloadReportRequest) -> (String, DownloadReportResponse) {
    let mut stream = server.reports_service().download_report(request).await.unwrap().into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    let end = messages.pop().unwrap();
    let bytes: Vec<u8> = messages.iter().flat_map(|piece| piece.data.clone()).collect();
    assert!(messages.into_iter().all(|piece| !piece.data.is_empty() && piece.sha256.is_empty() && piece.bytes == 0));
    (String::from_utf8(bytes).unwrap(), end)
}

fn rfc3339(time: Timestamp) -> String {
    let time = DateTime::from_timestamp(time.seconds, time.nanos.unsigned_abs()).unwrap();
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    })
}

/// Downloads every file of a report.
async fn files(server: &TestServer, report: &str) -> Vec<ReportFile> {
    let mut files = Vec::new();
    let names = ["mixed-settings.csv", "changes.csv", "mixed-settings.schema.json", "index.html", "manifest.json"];
    for (name, rows) in names.into_iter().zip([5, 0, 0, 0, 0]) {
        let text = download(server, file(report, name, 0)).await;
        let bytes = i64::try_from(text.len()).unwrap();
        files.push(ReportFile { file: name.to_owned(), rows, bytes, sha256: sha256(&text) });
    }
    files
}

const CHANGES: &str = "organization,assignment,assignment_name,change,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting";
const HEADER: &str = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting,member,email,status,email_export,email_export_since,email_export_source\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_report_contains_the_members_of_mixed_assignments() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let since = rfc3339(org.get_member("hand1").await.email_export_since.unwrap());
    let run = org.run_job(REPORT).await;
    let csv = download(&server, file(&run.report, "", 0)).await;
    let sales = "acme,sales,sales,1,AUTOMATIC_UPDATES,true,1,1";
    let operations = "acme,operations,operations,3,MANUAL_EDITING,false,1,1";
    let rows = [
        format!("{sales},gone,gone@acme.example,INACTIVE,EXPORT,always,MIGRATION\r\n"),
        format!("{sales},no,no@acme.example,ACTIVE,DO_NOT_EXPORT,,MIGRATION\r\n"),
        format!("{sales},yes,yes@acme.example,ACTIVE,EXPORT,always,MIGRATION\r\n"),
        format!("{operations},hand1,hand1@acme.example,ACTIVE,EXPORT,{since},EDITED_BY_HAND\r\n"),
        format!("{operations},hand2,hand2@acme.example,ACTIVE,DO_NOT_EXPORT,,MIGRATION\r\n"),
    ];
    assert_eq!(csv, format!("{HEADER}{}", rows.concat()));
    let outcome = [
        ("rows", 5),
        ("organizations", 3),
        ("legacy_organizations", 1),
        ("mixed_assignments", 2),
        ("organizations_failed", 0),
    ];
    assert_eq!(run, ended(&run, &outcome, &run.report));

    let listed = reports(&server).await;
    let (data_as_of, publish_time) = (listed[0].data_as_of, listed[0].publish_time);
    let bytes = i64::try_from(csv.len()).unwrap();
    let files = files(&server, &run.report).await;
    let expected = Report {
        name: run.report.clone(),
        run: run.name.clone(),
        data_as_of,
        publish_time,
        url: listed[0].url.clone(),
        data: Some(ReportFile { file: "mixed-settings.csv".to_owned(), rows: 5, bytes, sha256: sha256(&csv) }),
        organization_count: 3,
        legacy_organization_count: 1,
        mixed_assignment_count: 2,
        files,
        missing_organization_count: 0,
        missing_organizations: Vec::new(),
    };
    assert_eq!(listed, [expected]);
    let folder = listed[0].url.strip_prefix("file://").unwrap();
    assert_eq!(std::fs::read_to_string(format!("{folder}/mixed-settings.csv")).unwrap(), csv);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_describes_the_files_and_latest_names_the_report() {
    let server = TestServer::start().await;
    let run = mixed(&server).await.run_job(REPORT).await;
    let report = reports(&server).await.remove(0);
    let (files, data) = (report.files, report.data.unwrap());
    let columns: Vec<&str> = HEADER.trim_end().split(',').collect();
    let organization = |id: &str, phase: &str, mixed: i32, rows: i32| json!({ "organization": id, "phase": phase, "mixed_assignments": mixed, "rows": rows });
    let manifest = json!({
        "schema_version": 1,
        "report": run.report.strip_prefix("reports/"),
        "run": run.name,
        "file": "mixed-settings.csv",
        "columns": columns,
        "data_as_of": rfc3339(report.data_as_of.unwrap()),
        "rows": 5,
        "bytes": data.bytes,
        "sha256": data.sha256,
        "files": [
            { "file": "mixed-settings.csv", "bytes": data.bytes, "sha256": data.sha256, "rows": 5, "columns": columns },
            { "file": "changes.csv", "bytes": files[1].bytes, "sha256": files[1].sha256, "rows": 0, "columns": CHANGES.split(',').collect::<Vec<_>>() },
            { "file": "mixed-settings.schema.json", "bytes": files[2].bytes, "sha256": files[2].sha256 },
            { "file": "index.html", "bytes": files[3].bytes, "sha256": files[3].sha256 },
        ],
        "changes": { "since": null, "newly_mixed": 0, "resolved": 0 },
        "organization_count": 3,
        "legacy_organization_count": 1,
        "mixed_assignment_count": 2,
        "organizations": [
            organization("acme", "MIGRATED", 2, 5),
            organization("fresh", "MIGRATED", 0, 0),
            organization("zoo", "LEGACY", 0, 0),
        ],
        "missing_organizations": [],
    });
    let found = download(&server, file(&run.report, "manifest.json", 0)).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&found).unwrap(), manifest);
    let folder = report.url.strip_prefix("file://").unwrap();
    let latest = std::fs::read_to_string(format!("{folder}/../../latest.json")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&latest).unwrap()["manifest_sha256"], sha256(&found));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_data_gives_the_same_bytes_and_an_empty_report_has_a_header() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let mut texts = Vec::new();
    for _ in 0..2 {
        texts.push(download(&server, file(&org.run_job(REPORT).await.report, "", 0)).await);
    }
    assert_eq!(texts[0], texts[1]);
    for id in ["sales", "operations"] {
        let email_export = EmailExport::Export.into();
        let assignment = Some(Assignment { name: org.assignment(id), email_export, ..Default::default() });
        let request = UpdateAssignmentRequest { assignment, ..Default::default() };
        server.assignments().update_assignment(request).await.unwrap();
    }
    let last = org.run_job(REPORT).await;
    assert_eq!(download(&server, file(&last.report, "mixed-settings.csv", 0)).await, HEADER);

    let listed = reports(&server).await;
    let rows: Vec<i64> = listed.iter().map(|report| report.data.as_ref().unwrap().rows).collect();
    assert_eq!((rows, listed[0].name.as_str()), (vec![0, 5, 5], last.report.as_str()));
    let page = ListReportsRequest { page_size: 2, ..Default::default() };
    let page = server.reports_service().list_reports(page).await.unwrap().into_inner();
    assert_eq!(page.reports, listed[..2]);
    let next = ListReportsRequest { page_size: 2, page_token: page.next_page_token };
    let page = server.reports_service().list_reports(next).await.unwrap().into_inner();
    assert_eq!((&page.reports[..], page.next_page_token.as_str()), (&listed[2..], ""));

    for report in &listed {
        let got = server.reports_service().get_report(GetReportRequest { name: report.name.clone() }).await.unwrap();
        assert_eq!(got.into_inner().report.as_ref(), Some(report));
    }
    for (name, expected) in [
        ("reports/moon", "NotFound REPORT_NOT_FOUND report=reports/moon"),
        ("moon", "InvalidArgument INVALID_REQUEST name"),
    ] {
        let request = GetReportRequest { name: name.to_owned() };
        assert_eq!(refused(server.reports_service().get_report(request)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_shows_what_needs_action_and_the_call_that_settles_it() {
    let server = TestServer::start().await;
    let report = mixed(&server).await.run_job(REPORT).await.report;
    let page = download(&server, file(&report, "index.html", 0)).await;
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");
    assert!(page.contains("1 assignment that needs action</caption>"), "{page}");
    let call = page.lines().find_map(|line| line.strip_prefix("<pre><code>grpcurl -plaintext -d &#39;")).unwrap();
    let (request, method) = call.split_once("&#39; localhost:50051 ").unwrap();
    assert_eq!(method, "rollcall.v1.AssignmentService/UpdateAssignment</code></pre>");
    let request: serde_json::Value = serde_json::from_str(&request.replace("&#34;", "\"")).unwrap();
    let expected = json!({
        "assignment": { "name": "organizations/acme/assignments/sales", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT" },
        "update_mask": { "paths": ["email_export"] },
    });
    assert_eq!(request, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_resumes_where_another_ended() {
    let server = TestServer::start().await;
    let report = mixed(&server).await.run_job(REPORT).await.report;
    let csv = download(&server, file(&report, "", 0)).await;
    let end = i64::try_from(csv.len()).unwrap();
    for offset in [0, 1, 100, end - 1, end] {
        let (rest, last) = pieces_and_end(&server, file(&report, "mixed-settings.csv", offset)).await;
        assert_eq!(rest, csv[usize::try_from(offset).unwrap()..]);
        assert_eq!(last, DownloadReportResponse { data: Vec::new(), sha256: sha256(&csv), bytes: end });
    }
    let (bad, unknown) = ("INVALID_REQUEST", "NotFound REPORT_NOT_FOUND");
    let cases = [
        (file(&report, "", end + 1), format!("OutOfRange {bad} offset offset={} size={end}", end + 1)),
        (file(&report, "", -1), format!("InvalidArgument {bad} offset")),
        (file(&report, "../manifest.json", 0), format!("{unknown} report={report}/../manifest.json")),
        (file(&report, "moon.csv", 0), format!("{unknown} report={report}/moon.csv")),
        (file("reports/moon", "", 0), format!("{unknown} report=reports/moon/mixed-settings.csv")),
        (file("moon", "", 0), format!("InvalidArgument {bad} name")),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.reports_service().download_report(request)).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_names_an_organization_whose_rows_are_not_valid_and_has_the_others() {
    let server = TestServer::start().await;
    let complete = download(&server, file(&mixed(&server).await.run_job(REPORT).await.report, "", 0)).await;
    let bad = Org::create(&server, "bad", Phase::Migrated).await;
    bad.sync(&[Member::new("m", &[])]).await;
    let corrupt = "ALTER TABLE organizations DROP CONSTRAINT organizations_phase;
        UPDATE organizations SET phase = 'NONSENSE' WHERE id = 'bad'";
    server.database.client().await.batch_execute(corrupt).await.unwrap();
    let run = bad.run_job(REPORT).await;
    let counted = [("organizations", 3), ("organizations_failed", 1)].map(|(name, count)| (run.outcome[name], count));
    assert!(counted.iter().all(|(found, expected)| found == expected), "{run:?}");
    assert_eq!(download(&server, file(&run.report, "", 0)).await, complete);
    let report = reports(&server).await.remove(0);
    let organization = "organizations/bad".to_owned();
    let missing = MissingOrganization { organization, reason: MissingOrganizationReason::InvalidRows.into() };
    assert_eq!((report.missing_organization_count, report.missing_organizations), (1, vec![missing]));
    let manifest = download(&server, file(&run.report, "manifest.json", 0)).await;
    let manifest = serde_json::from_str::<serde_json::Value>(&manifest).unwrap();
    assert_eq!(manifest["missing_organizations"], json!([{ "organization": "bad", "reason": "INVALID_ROWS" }]));
}
