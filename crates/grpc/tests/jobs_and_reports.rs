//! Jobs, their runs, and the mixed-settings report through the API (product.md 8).

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use prost_types::{Duration, Timestamp};
use rollcall_proto::v1::{
    Assignment, DownloadReportRequest, EmailExport, GetJobRunRequest, JobRun, JobRunState, ListJobRunsRequest,
    ListReportsRequest, Member as MemberMessage, Phase, Report, ReportFile, RunJobRequest, UpdateAssignmentRequest,
    UpdateMemberSettingsRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, refused};
use sha2::{Digest as _, Sha256};

const MIGRATION: &str = "settings-migration";
const REPORT: &str = "mixed-settings-report";

fn run(job: &str, wait: Option<i64>) -> RunJobRequest {
    let wait_timeout = wait.map(|seconds| Duration { seconds, nanos: 0 });
    RunJobRequest { name: format!("jobs/{job}"), wait_timeout, ..Default::default() }
}

async fn get(server: &TestServer, name: &str) -> JobRun {
    let request = GetJobRunRequest { name: name.to_owned() };
    server.jobs().get_job_run(request).await.unwrap().into_inner().run.unwrap()
}

fn runs(job: &str, page_size: i32, page_token: &str) -> ListJobRunsRequest {
    ListJobRunsRequest { parent: format!("jobs/{job}"), page_size, page_token: page_token.to_owned() }
}

async fn list(server: &TestServer, job: &str) -> Vec<JobRun> {
    server.jobs().list_job_runs(runs(job, 0, "")).await.unwrap().into_inner().runs
}

/// A run that did what it should.
fn ended(run: &JobRun, outcome: &[(&str, i32)], report: &str) -> JobRun {
    JobRun {
        state: JobRunState::Succeeded.into(),
        attempt: 1,
        outcome: outcome.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        failure: String::new(),
        report: report.to_owned(),
        ..run.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_answered_as_it_ended() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[]), Member::new("b", &[])]).await;
    let first = org.run_job(MIGRATION).await;
    assert!(first.name.starts_with("jobs/settings-migration/runs/"), "{first:?}");
    assert!(first.scheduled_time.is_some() && first.start_time.is_some() && first.end_time.is_some());
    let counts = |migrated, members| {
        [
            ("organizations_migrated", migrated),
            ("organizations_failed", 0),
            ("organizations_skipped", 0),
            ("members", members),
        ]
    };
    assert_eq!(first, ended(&first, &counts(1, 2), ""));
    assert_eq!(get(&server, &first.name).await, first);
    let second = org.run_job(MIGRATION).await;
    assert_eq!(second, ended(&second, &counts(0, 0), ""));
    assert_ne!(second.name, first.name);
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_newest_first_by_pages() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let mut expected = Vec::new();
    for job in [MIGRATION, REPORT, MIGRATION, MIGRATION] {
        expected.insert(0, org.run_job(job).await);
    }
    assert_eq!(list(&server, "-").await, expected);
    let (reports, migrations): (Vec<_>, Vec<_>) = expected.into_iter().partition(|run| run.name.contains(REPORT));
    assert_eq!(list(&server, REPORT).await, reports);
    assert_eq!(list(&server, MIGRATION).await, migrations);
    let page = server.jobs().list_job_runs(runs(MIGRATION, 2, "")).await.unwrap().into_inner();
    let token = page.next_page_token;
    assert_eq!(page.runs, migrations[..2]);
    let page = server.jobs().list_job_runs(runs(MIGRATION, 2, &token)).await.unwrap().into_inner();
    assert_eq!((&page.runs[..], page.next_page_token.as_str()), (&migrations[2..], ""));
    for (request, field) in [
        (runs("-", 2, &token), "page_token"),
        (runs(MIGRATION, 2, "nonsense"), "page_token"),
        (runs(MIGRATION, -1, ""), "page_size"),
        (ListJobRunsRequest { parent: MIGRATION.to_owned(), ..Default::default() }, "parent"),
    ] {
        assert_eq!(
            refused(server.jobs().list_job_runs(request)).await,
            format!("InvalidArgument INVALID_REQUEST {field}")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_runs_that_are_not_there_are_not_found() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let known = org.run_job(MIGRATION).await;
    let unknown = "NotFound JOB_NOT_FOUND";
    assert_eq!(refused(server.jobs().run_job(run("moon", None))).await, format!("{unknown} job=moon"));
    assert_eq!(refused(server.jobs().list_job_runs(runs("moon", 0, ""))).await, format!("{unknown} job=moon"));
    let of_another_job = known.name.replace(MIGRATION, REPORT);
    for name in [of_another_job, format!("jobs/{MIGRATION}/runs/00000000-0000-7000-8000-000000000000")] {
        let expected = format!("{unknown} run={name}");
        assert_eq!(refused(server.jobs().get_job_run(GetJobRunRequest { name })).await, expected);
    }
    let bad = "InvalidArgument INVALID_REQUEST";
    let name = format!("jobs/{MIGRATION}/runs/1");
    assert_eq!(refused(server.jobs().get_job_run(GetJobRunRequest { name })).await, format!("{bad} name"));
    for wait in [-1, 601] {
        let call = refused(server.jobs().run_job(run(MIGRATION, Some(wait)))).await;
        assert_eq!(call, format!("{bad} wait_timeout"));
    }
    let unimplemented = "Unimplemented INVALID_REQUEST validate_only";
    let request = RunJobRequest { validate_only: true, ..run(MIGRATION, None) };
    assert_eq!(refused(server.jobs().run_job(request)).await, unimplemented);
    assert_eq!(list(&server, "-").await, [known]);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_run_is_under_way_no_other_one_begins() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    // The migration has to wait for the organization.
    let client = server.database.client().await;
    client.batch_execute("BEGIN; SELECT FROM organizations FOR UPDATE").await.unwrap();
    let open = server.jobs().run_job(run(MIGRATION, Some(0))).await.unwrap().into_inner().run.unwrap();
    assert!([JobRunState::Pending, JobRunState::Running].contains(&open.state()), "{open:?}");
    let expected = format!("FailedPrecondition JOB_ALREADY_RUNNING run={}", open.name);
    assert_eq!(refused(server.jobs().run_job(run(MIGRATION, None))).await, expected);
    org.run_job(REPORT).await;
    client.batch_execute("COMMIT").await.unwrap();
    while get(&server, &open.name).await.end_time.is_none() {
        tokio::task::yield_now().await;
    }
    assert_eq!(get(&server, &open.name).await.state(), JobRunState::Succeeded);
    assert_eq!(list(&server, MIGRATION).await.len(), 1);
}

/// Mixed and automatic, mixed and manual, agreeing; an organization in phase LEGACY beside it.
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
    let mut stream = server.reports_service().download_report(request).await.unwrap().into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        bytes.extend(piece.data);
    }
    String::from_utf8(bytes).unwrap()
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

const HEADER: &str = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting,member,email,status,email_export,email_export_since,email_export_source\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_report_holds_the_members_of_mixed_assignments_and_says_so_of_itself() {
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
    let outcome = [("rows", 5), ("organizations", 3), ("legacy_organizations", 1), ("mixed_assignments", 2)];
    assert_eq!(run, ended(&run, &outcome, &run.report));

    let listed = reports(&server).await;
    let (data_as_of, publish_time) = (listed[0].data_as_of, listed[0].publish_time);
    let bytes = i64::try_from(csv.len()).unwrap();
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
    };
    assert_eq!(listed, [expected]);
    let folder = listed[0].url.strip_prefix("file://").unwrap();
    assert_eq!(std::fs::read_to_string(format!("{folder}/mixed-settings.csv")).unwrap(), csv);

    let id = run.report.strip_prefix("reports/").unwrap();
    let columns = HEADER.trim_end().replace(',', "\",\n    \"");
    let organization = |id: &str, phase: &str, mixed: i32, rows: i32| {
        format!(
            "{{\n      \"organization\": \"{id}\",\n      \"phase\": \"{phase}\",\n      \"mixed_assignments\": {mixed},\n      \"rows\": {rows}\n    }}"
        )
    };
    let organizations = [
        organization("acme", "MIGRATED", 2, 5),
        organization("fresh", "MIGRATED", 0, 0),
        organization("zoo", "LEGACY", 0, 0),
    ]
    .join(",\n    ");
    let manifest = format!(
        "{{\n  \"schema_version\": 1,\n  \"report\": \"{id}\",\n  \"run\": \"{}\",\n  \"file\": \"mixed-settings.csv\",\n  \
         \"columns\": [\n    \"{columns}\"\n  ],\n  \"data_as_of\": \"{}\",\n  \"rows\": 5,\n  \"bytes\": {bytes},\n  \
         \"sha256\": \"{}\",\n  \"organization_count\": 3,\n  \"legacy_organization_count\": 1,\n  \
         \"mixed_assignment_count\": 2,\n  \"organizations\": [\n    {organizations}\n  ]\n}}\n",
        run.name,
        rfc3339(data_as_of.unwrap()),
        sha256(&csv),
    );
    assert_eq!(download(&server, file(&run.report, "manifest.json", 0)).await, manifest);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_data_gives_the_same_bytes_and_nothing_mixed_a_header() {
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
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_goes_on_where_another_ended() {
    let server = TestServer::start().await;
    let report = mixed(&server).await.run_job(REPORT).await.report;
    let csv = download(&server, file(&report, "", 0)).await;
    let end = i64::try_from(csv.len()).unwrap();
    for offset in [1, 100, end - 1, end] {
        let rest = download(&server, file(&report, "mixed-settings.csv", offset)).await;
        assert_eq!(rest, csv[usize::try_from(offset).unwrap()..]);
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
