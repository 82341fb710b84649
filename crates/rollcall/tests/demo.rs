//! `rollcall demo` from outside: on the sample and, if present, on the data of a real organization. The results of
//! the API are compared with the expected files of each folder.

#![allow(clippy::unwrap_used)]

mod support;

use std::{collections::BTreeSet, path::Path, process::Stdio};

use rollcall_proto::v1::{
    self, ExportMembersCsvRequest, ListAssignmentsRequest, ListReportsRequest,
    assignment_service_client::AssignmentServiceClient, member_service_client::MemberServiceClient,
    report_service_client::ReportServiceClient,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

use support::{Demo, columns, data_dir, folders, organization, rollcall, rows, rows_of};

#[tokio::test(flavor = "multi_thread")]
async fn every_assignment_and_every_member_equals_the_expected_files() {
    for folder in folders() {
        let dir = data_dir();
        let demo = Demo::start(dir.path(), &["--data", folder.to_str().unwrap()]);
        compare_assignments(&demo, &folder).await;
        compare_members(&demo, &folder).await;
        compare_report(&demo, &folder).await;
        assert_eq!(demo.interrupt().code(), Some(0));
    }
}

async fn compare_assignments(demo: &Demo, folder: &Path) {
    let mut client = AssignmentServiceClient::connect(demo.url.clone()).await.unwrap();
    let request = ListAssignmentsRequest { parent: parent(folder), page_size: 1000, ..Default::default() };
    let assignments = client.list_assignments(request).await.unwrap().into_inner().assignments;
    let actual: Vec<Vec<String>> = assignments.iter().map(assignment_row).collect();
    let names = ["rank", "assignment", "update_mode", "state", "exporting", "not_exporting", "action_required"];
    assert_eq!(actual, columns(&rows_of(folder, "expected_assignments.csv"), &names));
}

fn assignment_row(assignment: &v1::Assignment) -> Vec<String> {
    let summary = assignment.email_export_summary.unwrap();
    vec![
        assignment.rank.to_string(),
        assignment.display_name.clone(),
        assignment.update_mode().as_str_name().replace("UPDATE_MODE_", ""),
        summary.state().as_str_name().replace("EMAIL_EXPORT_STATE_", ""),
        summary.exporting.to_string(),
        summary.not_exporting.to_string(),
        summary.action_required.to_string(),
    ]
}

async fn compare_members(demo: &Demo, folder: &Path) {
    let mut client = MemberServiceClient::connect(demo.url.clone()).await.unwrap();
    let request =
        ExportMembersCsvRequest { parent: parent(folder), profile: v1::CsvProfile::Raw.into(), ..Default::default() };
    let mut stream = client.export_members_csv(request).await.unwrap().into_inner();
    let mut content = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        content.extend_from_slice(&piece.data);
    }
    let mut actual = columns(&rows(&content), &["member", "email", "assignment_name", "email_export"]);
    let expected = rows_of(folder, "expected_members.csv");
    let mut expected = columns(&expected, &["member", "email", "assignment", "email_export"]);
    actual.sort_unstable();
    expected.sort_unstable();
    assert_eq!(actual, expected);
}

/// Checks that the report contains exactly the members of the mixed assignments, including inactive ones.
async fn compare_report(demo: &Demo, folder: &Path) {
    let mut client = ReportServiceClient::connect(demo.url.clone()).await.unwrap();
    let reports = client.list_reports(ListReportsRequest::default()).await.unwrap().into_inner().reports;
    let name = reports[0].name.clone();
    let request = v1::DownloadReportRequest { name, ..Default::default() };
    let mut stream = client.download_report(request).await.unwrap().into_inner();
    let mut content = Vec::new();
    while let Some(piece) = stream.message().await.unwrap() {
        content.extend_from_slice(&piece.data);
    }
    let mut actual = columns(&rows(&content), &["member", "assignment_name"]);
    actual.sort_unstable();

    let assignments = columns(&rows_of(folder, "expected_assignments.csv"), &["assignment", "state"]);
    let mixed: BTreeSet<&str> = assignments.iter().filter(|row| row[1] == "MIXED").map(|row| row[0].as_str()).collect();
    let members = columns(&rows_of(folder, "expected_members.csv"), &["member", "assignment"]);
    let mut expected: Vec<Vec<String>> = members.into_iter().filter(|row| mixed.contains(row[1].as_str())).collect();
    expected.sort_unstable();
    assert_eq!(actual, expected);
    assert_printed_file_has_content(demo, &content);
}

/// Checks that the printed file has the same bytes.
fn assert_printed_file_has_content(demo: &Demo, content: &[u8]) {
    let line = demo.printed.lines().find(|line| line.starts_with("Mixed-settings CSV: ")).unwrap();
    let path = line.trim_start_matches("Mixed-settings CSV: ").split(" (").next().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), content);
}

fn parent(folder: &Path) -> String {
    format!("organizations/{}", organization(folder))
}

#[test]
fn once_ends_with_the_proof_and_can_be_repeated() {
    let dir = data_dir();
    for again in [false, true] {
        let output = rollcall(dir.path(), &["demo", "--once"]).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{printed}\n{errors}");
        assert!(printed.contains("Sales, EMEA & US") && printed.contains("Proof: 44 members"), "{printed}");
        assert_eq!(printed.contains("exists already"), again, "{printed}");
        assert_eq!(printed.lines().filter(|line| line.starts_with("grpcurl -plaintext ")).count(), 5, "{printed}");
    }
}

#[test]
fn a_second_start_on_the_same_directory_is_refused() {
    let dir = data_dir();
    let demo = Demo::start(dir.path(), &[]);
    let output = rollcall(dir.path(), &["serve"]).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("is in use by process"), "{errors}");
    assert_eq!(demo.interrupt().code(), Some(0));
    assert!(!dir.path().join("data/postgres/postmaster.pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_answers_health_and_ends_on_sigterm() {
    let dir = data_dir();
    let mut jobs = rollcall(dir.path(), &["jobs", "--log", "info", "--log-format", "json"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut errors = std::io::BufReader::new(jobs.stderr.take().unwrap());
    let mut log = String::new();
    while !log.contains("\"serving\"") {
        assert!(std::io::BufRead::read_line(&mut errors, &mut log).unwrap() > 0, "it ended: {log}");
    }
    assert!(log.contains("one machine only"), "{log}");
    let address = log.split("\"address\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    let health = HealthClient::new(channel).check(HealthCheckRequest::default()).await.unwrap();
    assert_eq!(health.get_ref().status(), ServingStatus::Serving);
    support::signal(&jobs, "TERM");
    assert_eq!(jobs.wait().unwrap().code(), Some(0));
    assert!(!dir.path().join("data/postgres/postmaster.pid").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn import_and_job_run_work_on_a_running_server() {
    let dir = data_dir();
    let demo = Demo::start(dir.path(), &[]);
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("acme-two");
    std::fs::create_dir(&folder).unwrap();
    for file in ["members.csv", "groups.csv", "assignments.json", "legacy_email_export.csv"] {
        std::fs::copy(folders()[0].join(file), folder.join(file)).unwrap();
    }
    let run = |arguments: &[&str]| {
        let output = rollcall(dir.path(), &[arguments, &["--target", &demo.url]].concat()).output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(printed).unwrap())
    };
    let import = ["import", folder.to_str().unwrap()];
    let (code, printed) = run(&import);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("no row was rejected"), "{printed}");
    let (code, printed) = run(&import);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("ALREADY_EXISTS"), "{printed}");
    let (code, printed) = run(&["job", "run", "settings-migration"]);
    assert_eq!(code, Some(0), "{printed}");
    assert!(printed.contains("SUCCEEDED"), "{printed}");
    let (code, printed) = run(&["job", "run", "no-such-job"]);
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains("JOB_NOT_FOUND"), "{printed}");
}
