//! Reports while the rows of organizations cannot be read: the rest is published, and the report names what is missing.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{fs, future::pending, path::Path};

use futures::FutureExt as _;
use rollcall_app::{
    App, Error,
    reports::{CHANGES_FILE, MANIFEST_FILE, MIXED_FILE, MissingReason, Report, ReportAttempt, ReportStore},
};
use rollcall_store::{
    Db, Options,
    jobs::{self, ClaimedRun, RunCounts, RunState},
};
use rollcall_testkit::{Fault, FaultProxy};
use serde_json::{Value, json};
use support::{
    Database, database,
    report_faults::{break_reads, corrupt, create_mixed, repair, repair_reads},
    reports::{REPORT, attempt, claim, publish},
    seed::{connect, organization_sql, seed},
};

fn text(database: &Database, report: &Report, file: &str) -> String {
    let root = url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap();
    fs::read_to_string(root.join(&report.path).join(file)).unwrap()
}

fn manifest(database: &Database, report: &Report) -> Value {
    serde_json::from_str(&text(database, report, MANIFEST_FILE)).unwrap()
}

/// Returns the organizations that a report lacks, each with the reason.
fn missing(report: &Report) -> Vec<(&str, MissingReason)> {
    let missing = report.missing_organizations.0.iter();
    missing.map(|missing| (missing.organization.as_str(), missing.reason)).collect()
}

/// Returns the organizations that have rows in the data file, each with the number of rows.
fn rows(csv: &str) -> Vec<(&str, usize)> {
    let mut found: Vec<(&str, usize)> = Vec::new();
    for line in csv.lines().skip(1) {
        let organization = line.split(',').next().unwrap();
        match found.last_mut() {
            Some((last, count)) if *last == organization => *count += 1,
            _ => found.push((organization, 1)),
        }
    }
    found
}

async fn finish(app: &App, claimed: &ClaimedRun, report: &Report) {
    jobs::finish_run(app.db(), claimed.fence, &RunCounts::new(), Some(&report.id)).await.unwrap();
}

async fn publish_next(app: &App) -> Report {
    let claimed = claim(app).await;
    let report = publish(app, &claimed).await;
    finish(app, &claimed, &report).await;
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_with_an_invalid_row_is_left_out_as_a_whole() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client).await;
    client.batch_execute(&organization_sql("big", "MIGRATED")).await.unwrap();
    // The first page of members can be read, and so many rows are kept in a file; the last member is not valid.
    let members = "
        INSERT INTO members SELECT 'big', 'm' || lpad(n::text, 6, '0'), 'm' || lpad(n::text, 6, '0') || '@big.example',
            'Given', 'Family', 'Title', NULL, true, 'sales', '00000000-0000-0000-0000-000000000000',
            CASE n % 2 WHEN 0 THEN 'EXPORT' ELSE 'DO_NOT_EXPORT' END, NULL, 'MIGRATION', NULL, 1, now(), now()
        FROM generate_series(1, 120000) AS n";
    client.batch_execute(members).await.unwrap();
    let complete = publish_next(&app).await;
    assert_eq!(missing(&complete), []);
    assert_eq!(rows(&text(&database, &complete, MIXED_FILE)), [("acme", 5), ("big", 120_000)]);

    corrupt(&client, "big", "m120000").await;
    let report = publish_next(&app).await;
    assert_eq!(missing(&report), [("big", MissingReason::InvalidRows)]);
    let csv = text(&database, &report, MIXED_FILE);
    assert_eq!(rows(&csv), [("acme", 5)]);
    let manifest = manifest(&database, &report);
    assert_eq!(manifest["missing_organizations"], json!([{ "organization": "big", "reason": "INVALID_ROWS" }]));
    let listed: Vec<_> = manifest["organizations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|counts| counts["organization"].as_str().unwrap())
        .collect();
    assert_eq!((listed, &manifest["organization_count"]), (vec!["a-first", "acme", "beta"], &json!(3)));
    assert_eq!((report.rows, report.organizations, report.mixed_assignments), (5, 3, 2));
    let again = publish_next(&app).await;
    assert_eq!((text(&database, &again, MIXED_FILE), &again.sha256), (csv, &report.sha256));
    assert_eq!(temporary_files(&database), Vec::<String>::new());

    repair(&client, "big", "m120000").await;
    assert_eq!(publish_next(&app).await.sha256, complete.sha256);
}

/// Returns the files that no report consists of.
fn temporary_files(database: &Database) -> Vec<String> {
    let root = url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap();
    let folders = |parent: &Path| {
        let entries = fs::read_dir(parent).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    let attempts = folders(&root.join("mixed-settings")).into_iter().flat_map(|report| folders(&report));
    let files = attempts.flat_map(|attempt| fs::read_dir(attempt).unwrap());
    let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let known = [".csv", ".json", ".html"];
    files.filter(|file| !known.iter().any(|end| file.ends_with(end))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_about_changes_of_a_missing_organization() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    for organization in ["a", "b", "c"] {
        create_mixed(&client, organization).await;
    }
    let first = publish_next(&app).await;
    corrupt(&client, "b", "m1").await;
    client.batch_execute("UPDATE members SET email_export = 'EXPORT' WHERE organization_id = 'c'").await.unwrap();
    let second = publish_next(&app).await;
    assert_eq!(missing(&second), [("b", MissingReason::InvalidRows)]);
    // `b` is not resolved: it is missing.
    let resolved = json!({ "since": first.id, "newly_mixed": 0, "resolved": 1 });
    assert_eq!(manifest(&database, &second)["changes"], resolved);
    let changes = text(&database, &second, CHANGES_FILE);
    assert!(changes.lines().skip(1).all(|line| line.starts_with("c,sales,Sales,RESOLVED,")), "{changes}");

    repair(&client, "b", "m1").await;
    create_mixed(&client, "d").await;
    let third = publish_next(&app).await;
    // `b` is not newly mixed: it was missing.
    let newly_mixed = json!({ "since": second.id, "newly_mixed": 1, "resolved": 0 });
    assert_eq!((missing(&third), &manifest(&database, &third)["changes"]), (vec![], &newly_mixed));
    let changes = text(&database, &third, CHANGES_FILE);
    assert!(changes.lines().skip(1).all(|line| line.starts_with("d,sales,Sales,NEWLY_MIXED,")), "{changes}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_whose_fault_goes_away_is_in_the_report() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    for organization in ["a", "b", "c"] {
        create_mixed(&client, organization).await;
    }
    if !break_reads(&database, &client, "b").await {
        return;
    }
    let claimed = claim(&app).await;
    let client = &client;
    // Repairs the fault during the second pause.
    let pause = move |tries| {
        async move {
            if tries == 2 {
                repair_reads(client).await;
            }
        }
        .boxed()
    };
    let report = app.publish_mixed_report(&ReportAttempt { pause: &pause, ..attempt(&claimed) }).await;
    let report = report.unwrap().unwrap();
    assert_eq!(missing(&report), []);
    assert_eq!(rows(&text(&database, &report, MIXED_FILE)), [("a", 2), ("b", 2), ("c", 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_last_attempt_leaves_out_organizations_of_a_faulty_server() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    for organization in ["a", "b1", "b2", "b3", "c"] {
        create_mixed(&client, organization).await;
    }
    if !break_reads(&database, &client, "b%").await {
        return;
    }
    let claimed = claim(&app).await;
    let refused = app.publish_mixed_report(&attempt(&claimed)).await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(app.list_reports(None, 10).await.unwrap(), []);
    let report =
        app.publish_mixed_report(&ReportAttempt { is_last: true, ..attempt(&claimed) }).await.unwrap().unwrap();
    let fault = MissingReason::DatabaseFault;
    assert_eq!(missing(&report), [("b1", fault), ("b2", fault), ("b3", fault)]);
    assert_eq!(rows(&text(&database, &report, MIXED_FILE)), [("a", 2), ("c", 2)]);
    finish(&app, &claimed, &report).await;

    // Nothing is published if no organization can be read.
    break_reads(&database, &client, "%").await;
    let claimed = claim(&app).await;
    let refused = app.publish_mixed_report(&ReportAttempt { is_last: true, ..attempt(&claimed) }).await;
    assert!(matches!(refused, Err(Error::Internal(_))), "{refused:?}");
    assert_eq!(app.list_reports(None, 10).await.unwrap(), [report]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_organization_is_left_out_while_the_database_cannot_be_reached() {
    let database = database().await;
    let client = connect(&database).await;
    create_mixed(&client, "a").await;
    create_mixed(&client, "b").await;
    if !break_reads(&database, &client, "b").await {
        return;
    }
    let proxy = FaultProxy::open(&database.url).await;
    let db = Db::open(&Options::new(proxy.url(), 8)).unwrap();
    let app = App::new(db, ReportStore::open(&database.reports_url()).unwrap());
    let claimed = claim(&app).await;
    let pause = |_| {
        proxy.inject(Fault::Refuse);
        std::future::ready(()).boxed()
    };
    let last = ReportAttempt { is_last: true, pause: &pause, ..attempt(&claimed) };
    let refused = app.publish_mixed_report(&last).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(database.app().list_reports(None, 10).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_counts_the_organizations_that_its_report_lacks() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    create_mixed(&client, "a").await;
    create_mixed(&client, "b").await;
    corrupt(&client, "b", "m2").await;
    let run = rollcall_jobs::run_in_process(&app, REPORT, pending(), |_| {}).await.unwrap();
    assert_eq!((run.state, run.attempt), (RunState::Succeeded, 1));
    assert_eq!((run.outcome["organizations"], run.outcome["organizations_failed"]), (1, 1));
}
