//! The reports on a real Postgres and a real directory.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{collections::BTreeMap, future::pending};

use rollcall_app::{
    App, Error,
    reports::{
        CHANGES_FILE, CsvProfile, MANIFEST_FILE, MIXED_FILE, PAGE_FILE, ReportAttempt, ReportStore, SCHEMA_FILE,
    },
};
use rollcall_domain::OrganizationId;
use rollcall_store::jobs::{self, RunState};
use support::{
    Database, database,
    reports::{REPORT, attempt, claim, publish},
    seed::{connect, organization_sql, seed},
};
use tokio_stream::StreamExt as _;

const HEADER: &str = "organization,assignment,assignment_name,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting,member,email,status,email_export,email_export_since,\
    email_export_source\r\n";

const CHANGES: &str = "organization,assignment,assignment_name,change,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting\r\n";

async fn download(app: &App, report: &str, file: &str, offset: u64) -> Result<String, Error> {
    let mut download = app.download_report(report, file, offset).await?;
    let mut text = Vec::new();
    while let Some(piece) = download.pieces.next().await {
        text.extend_from_slice(&piece?);
    }
    Ok(String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_contains_only_the_members_of_mixed_assignments() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let run = rollcall_jobs::run_in_process(&app, REPORT, pending(), |_| {}).await.unwrap();
    assert_eq!((run.state, run.failure), (RunState::Succeeded, None));
    let counts = [
        ("legacy_organizations", 1),
        ("mixed_assignments", 2),
        ("organizations", 3),
        ("organizations_failed", 0),
        ("rows", 5),
    ];
    assert_eq!(run.outcome, BTreeMap::from(counts.map(|(name, count)| (name.to_owned(), count))));

    let report = app.list_reports(None, 10).await.unwrap().pop().unwrap();
    assert_eq!(Some(&report.id), run.report.as_ref());
    assert_eq!(report.run, run.id);
    let csv = download(&app, &report.id, MIXED_FILE, 0).await.unwrap();
    let rows = "\
        acme,sales,Sales,1,AUTOMATIC_UPDATES,true,1,1,'=m3,'=eve@acme.example,INACTIVE,EXPORT,2026-03-03T04:05:06.000000Z,MIGRATION\r\n\
        acme,sales,Sales,1,AUTOMATIC_UPDATES,true,1,1,m2,ada@acme.example,ACTIVE,DO_NOT_EXPORT,,MIGRATION\r\n\
        acme,sales,Sales,1,AUTOMATIC_UPDATES,true,1,1,m1,zoe@acme.example,ACTIVE,EXPORT,always,MIGRATION\r\n\
        acme,support,Support,2,MANUAL_EDITING,false,1,1,m4,bob@acme.example,ACTIVE,EXPORT,2026-03-03T04:05:06.500000Z,MIGRATION\r\n\
        acme,support,Support,2,MANUAL_EDITING,false,1,1,m5,cid@acme.example,ACTIVE,DO_NOT_EXPORT,,MIGRATION\r\n";
    assert_eq!(csv, format!("{HEADER}{rows}"));
    assert_eq!((report.rows, report.bytes), (5, csv.len().try_into().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manifest_describes_the_data() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let claimed = claim(&app).await;
    let before = jobs::clock(app.db()).await.unwrap();
    let report = publish(&app, &claimed).await;
    assert!(report.path.ends_with(&format!("/{}", claimed.fence.number)), "{}", report.path);
    assert!(before <= report.data_as_of && report.data_as_of <= report.published_at);
    let manifest = download(&app, &report.id, MANIFEST_FILE, 0).await.unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let data_as_of = report.data_as_of.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let organization = |name: &str, phase: &str, mixed: u32, rows: u32| serde_json::json!({ "organization": name, "phase": phase, "mixed_assignments": mixed, "rows": rows });
    let columns = |header: &str| header.trim_end().split(',').map(str::to_owned).collect::<Vec<_>>();
    let [data, changes, schema, page, of_manifest] = &report.files.0[..] else { panic!("{:?}", report.files) };
    let named = [&data.file, &changes.file, &schema.file, &page.file, &of_manifest.file];
    assert_eq!(named, [MIXED_FILE, CHANGES_FILE, SCHEMA_FILE, PAGE_FILE, MANIFEST_FILE]);
    let files = serde_json::json!([
        { "file": MIXED_FILE, "bytes": report.bytes, "sha256": report.sha256, "rows": 5, "columns": columns(HEADER) },
        { "file": CHANGES_FILE, "bytes": changes.bytes, "sha256": changes.sha256, "rows": 0, "columns": columns(CHANGES) },
        { "file": SCHEMA_FILE, "bytes": schema.bytes, "sha256": schema.sha256 },
        { "file": PAGE_FILE, "bytes": page.bytes, "sha256": page.sha256 },
    ]);
    let expected = serde_json::json!({
        "schema_version": 1,
        "report": report.id,
        "run": format!("jobs/{REPORT}/runs/{}", claimed.run.id),
        "file": MIXED_FILE,
        "columns": columns(HEADER),
        "data_as_of": data_as_of,
        "rows": 5,
        "bytes": report.bytes,
        "sha256": report.sha256,
        "files": files,
        "changes": { "since": null, "newly_mixed": 0, "resolved": 0 },
        "organization_count": 3,
        "legacy_organization_count": 1,
        "mixed_assignment_count": 2,
        "organizations": [
            organization("a-first", "MIGRATED", 0, 0),
            organization("acme", "MIGRATED", 2, 5),
            organization("beta", "LEGACY", 0, 0),
        ],
        "missing_organizations": [],
    });
    assert_eq!(manifest, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_data_gives_the_same_bytes_and_an_empty_report_has_a_header() {
    let database = database().await;
    let app = database.app();
    let mut reports = Vec::new();
    for seeded in [false, true, true] {
        if seeded && reports.len() == 1 {
            seed(&connect(&database).await).await;
        }
        let run = rollcall_jobs::run_in_process(&app, REPORT, pending(), |_| {}).await.unwrap();
        reports.push(run.report.unwrap());
    }
    let mut texts = Vec::new();
    for report in &reports {
        texts.push(download(&app, report, MIXED_FILE, 0).await.unwrap());
    }
    assert_eq!(texts[0], HEADER);
    assert_eq!(texts[1], texts[2]);
    let listed = app.list_reports(None, 10).await.unwrap();
    let newest_first: Vec<_> = listed.iter().map(|report| report.id.clone()).collect();
    assert_eq!(newest_first, reports.iter().rev().cloned().collect::<Vec<_>>());
    let last = &listed[0];
    let rest = app.list_reports(Some((last.published_at, &last.id)), 1).await.unwrap();
    assert_eq!(rest, listed[1..2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_publishes_once_and_a_zombie_never() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let zombie = claim(&app).await;
    jobs::extend_lease(app.db(), zombie.fence, std::time::Duration::ZERO).await.unwrap();
    let lease = std::time::Duration::from_secs(60);
    let heir = jobs::claim_run(app.db(), REPORT, lease).await.unwrap().unwrap();
    let refused = app.publish_mixed_report(&attempt(&zombie)).await;
    assert!(matches!(refused, Err(Error::FenceLost)), "{refused:?}");
    assert_eq!(app.list_reports(None, 10).await.unwrap(), []);
    let report = publish(&app, &heir).await;
    // The process died before the end of the run: another attempt finds the report.
    assert_eq!(publish(&app, &heir).await, report);
    assert_eq!(app.list_reports(None, 10).await.unwrap(), [report]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_report_leaves_nothing_behind() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let claimed = claim(&app).await;
    let published = app.publish_mixed_report(&ReportAttempt { stopped: &|| true, ..attempt(&claimed) }).await.unwrap();
    assert_eq!(published, None);
    assert_eq!(app.list_reports(None, 10).await.unwrap(), []);
    let [marker] = &files(&database)[..] else { panic!("{:?}", files(&database)) };
    assert!(marker.ends_with("/mixed-settings/installation.json"), "{marker}");
}

/// Returns every file of the report store.
fn files(database: &Database) -> Vec<String> {
    let mut folders = vec![url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path.display().to_string()) }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_user_of_the_service_can_read_report_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    publish(&app, &claim(&app).await).await;
    let root = url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap();
    let files = files(&database);
    assert!(files.iter().any(|file| file.ends_with("latest.json")) && files.len() > 4, "{files:?}");
    for file in files.iter().map(std::path::Path::new) {
        assert_eq!(mode(file), 0o600, "{}", file.display());
        for folder in file.ancestors().skip(1).take_while(|folder| *folder != root) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_begins_at_its_offset() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let report = publish(&app, &claim(&app).await).await;
    let id = report.id.as_str();
    let whole = download(&app, id, MIXED_FILE, 0).await.unwrap();
    let size = whole.len() as u64;
    for offset in [1, 100, size - 1, size] {
        let rest = download(&app, id, MIXED_FILE, offset).await.unwrap();
        assert_eq!(rest, whole[usize::try_from(offset).unwrap()..], "{offset}");
    }
    let beyond = download(&app, id, MIXED_FILE, size + 1).await.unwrap_err();
    let text = format!("the offset {} is beyond the end of the file, which has {size} bytes", size + 1);
    assert_eq!(beyond.to_string(), text);
    for (report, file) in [(id, "other.csv"), (id, "../manifest.json"), ("no-such", MIXED_FILE)] {
        let missing = download(&app, report, file, 0).await.unwrap_err();
        assert!(matches!(missing, Error::ReportNotFound(_)), "{missing:?}");
    }
    for file in files(&database) {
        std::fs::remove_file(file).unwrap();
    }
    let gone = download(&app, id, MIXED_FILE, 0).await.unwrap_err();
    assert!(matches!(gone, Error::ReportNotFound(name) if name == format!("reports/{id}/{MIXED_FILE}")));
}

async fn export(app: &App, profile: CsvProfile) -> String {
    let mut chunks = app.export_members(&OrganizationId::trusted("acme"), profile, None, None).await.unwrap();
    let mut text = Vec::new();
    while let Some(chunk) = chunks.recv().await {
        let data = chunk.unwrap().data;
        assert!(data.len() <= 65 * 1024 && (data.is_empty() || data.ends_with(b"\r\n")));
        text.extend_from_slice(&data);
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_members_csv_has_every_member_in_byte_order() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let csv = export(&app, CsvProfile::Raw).await;
    let ids: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').nth(1).unwrap()).collect();
    assert_eq!(ids, ["=m3", "m1", "m2", "m4", "m5", "m6", "m7"]);
    let line = "acme,m1,zoe@acme.example,Given Family,Title,,ACTIVE,sales,Sales,1,AUTOMATIC_UPDATES,,\
        false,false,false,false,false,false,false,,,EXPORT,always,MIGRATION";
    assert_eq!(csv.split("\r\n").nth(2), Some(line));
    assert!(export(&app, CsvProfile::Spreadsheet).await.contains("\r\nacme,'=m3,'=eve@acme.example,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_both_reports_have_no_gaps() {
    let database = database().await;
    let app = database.app();
    let client = connect(&database).await;
    client.batch_execute(&organization_sql("acme", "MIGRATED")).await.unwrap();
    // Addresses have another order than ids, and two pages are full, so that the cursor is used.
    let members = "
        INSERT INTO members SELECT 'acme', 'm' || lpad(n::text, 5, '0'), 'x' || md5(n::text) || '@acme.example',
            'Given', 'Family', 'Title', NULL, true, 'sales', '00000000-0000-0000-0000-000000000000',
            CASE n % 2 WHEN 0 THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END, NULL, 'MIGRATION', NULL, 1, now(), now()
        FROM generate_series(1, 4000) AS n";
    client.batch_execute(members).await.unwrap();
    let csv = export(&app, CsvProfile::Spreadsheet).await;
    let ids: Vec<String> = csv.lines().skip(1).map(|line| line[5..11].to_owned()).collect();
    assert_eq!(ids, (1..=4000).map(|n| format!("m{n:05}")).collect::<Vec<_>>());

    let report = publish(&app, &claim(&app).await).await;
    let csv = download(&app, &report.id, MIXED_FILE, 0).await.unwrap();
    let emails: Vec<&str> = csv.lines().skip(1).map(|line| line.split(',').nth(9).unwrap()).collect();
    assert_eq!(emails.len(), 4000);
    assert!(emails.is_sorted());
    assert_eq!((report.rows, report.mixed_assignments), (4000, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disconnected_reader_ends_the_export() {
    let database = database().await;
    seed(&connect(&database).await).await;
    // The only connection is returned each time, or else the next export waits forever. Another export is refused as
    // long as one has the connection.
    let app = database.app_with(1);
    for _ in 0..3 {
        drop(app.export_members(&OrganizationId::trusted("acme"), CsvProfile::Raw, None, None).await.unwrap());
        while app.db().connections_in_use().streams > 0 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(export(&app, CsvProfile::Raw).await.lines().count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_organization_has_no_export() {
    let database = database().await;
    let unknown = OrganizationId::trusted("nobody");
    let refused = database.app().export_members(&unknown, CsvProfile::Raw, None, None).await;
    assert!(matches!(refused, Err(Error::OrganizationNotFound(_))));
}

#[test]
fn an_error_names_a_reports_directory_that_cannot_be_created() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = url::Url::from_file_path(file.path().join("reports")).unwrap();
    let refused = ReportStore::open(below.as_str()).unwrap_err().to_string();
    assert!(refused.starts_with("the reports directory ") && refused.contains("cannot be used"), "{refused}");
}
