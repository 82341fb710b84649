//! Two installations with one reports URL: only the owner writes and removes reports.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{collections::BTreeMap, fs, path::PathBuf};

use futures::FutureExt as _;
use rollcall_app::{
    App, Error,
    reports::{NotOwner, OWNER_FILE, REPORT_FOLDER, Report, ReportAttempt, ReportStore},
};
use rollcall_store::{installation, jobs};
use serde_json::Value;
use support::{
    Database, database,
    report_faults::{corrupt, create_mixed},
    reports::{attempt, claim, claim_of, publish},
    seed::{connect, seed},
};
use tokio_postgres::Client;

/// Makes the database the one of another installation, and returns the id of the former one.
async fn become_other_installation(client: &Client) -> String {
    become_installation(client, "0198c0de-0000-7000-8000-000000000000").await
}

async fn become_installation(client: &Client, id: &str) -> String {
    let former = "SELECT installation_id::text FROM installation";
    let former = client.query_one(former, &[]).await.unwrap().get(0);
    client.batch_execute(&format!("UPDATE installation SET installation_id = '{id}'")).await.unwrap();
    former
}

/// Changes a field of the marker, as if the owner had written another value.
fn edit_marker(database: &Database, field: &str, value: &str) {
    let mut marker_json: Value = serde_json::from_slice(&fs::read(marker(database)).unwrap()).unwrap();
    assert!(marker_json[field].is_string(), "{marker_json}");
    marker_json[field] = value.into();
    fs::write(marker(database), marker_json.to_string()).unwrap();
}

fn root(database: &Database) -> PathBuf {
    url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap()
}

fn marker(database: &Database) -> PathBuf {
    root(database).join(REPORT_FOLDER).join(OWNER_FILE)
}

/// Returns every file with its content.
fn files(database: &Database) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut folders, mut files) = (vec![root(database)], BTreeMap::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { drop(files.insert(path.clone(), fs::read(path).unwrap())) }
        }
    }
    files
}

async fn publish_next(app: &App) -> Report {
    let claimed = claim(app).await;
    let report = publish(app, &claimed).await;
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), Some(&report.id)).await.unwrap();
    report
}

/// Returns why an installation may neither publish a report nor remove old ones.
async fn refused(app: &App) -> NotOwner {
    let reports = app.list_reports(None, 10).await.unwrap();
    let claimed = claim(app).await;
    let publishing = app.publish_mixed_report(&attempt(&claimed)).await;
    let Err(Error::NotReportsOwner { reason, .. }) = publishing else { panic!("{publishing:?}") };
    assert_eq!(app.list_reports(None, 10).await.unwrap(), reports);
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), None).await.unwrap();
    let claimed = claim_of(app, "housekeeping").await;
    let pruning = app.prune(claimed.fence, &|| false).await;
    assert!(matches!(&pruning, Err(Error::NotReportsOwner { reason: same, .. }) if *same == reason), "{pruning:?}");
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), None).await.unwrap();
    reason
}

#[tokio::test(flavor = "multi_thread")]
async fn another_installation_neither_writes_nor_removes_reports() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client).await;
    let report = publish_next(&app).await;
    let before = files(&database);
    let id = become_other_installation(&client).await;
    assert_eq!(refused(&app).await, NotOwner::OtherInstallation);
    let said = app.check_reports_owner().await.unwrap_err().to_string();
    assert!(said.contains("another installation of Rollcall") && said.contains("rollcall report take-over"), "{said}");
    assert_eq!(files(&database), before);
    assert_eq!(app.list_reports(None, 10).await.unwrap(), [report]);

    // At a URL of its own it works.
    let own = tempfile::TempDir::new().unwrap();
    let store = ReportStore::open(url::Url::from_directory_path(own.path()).unwrap().as_str()).unwrap();
    publish_next(&App::new(app.db().clone(), store)).await;
    become_installation(&client, &id).await;
    publish_next(&app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_an_older_version_has_used_is_taken_at_the_first_write() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    publish_next(&app).await;
    fs::remove_file(marker(&database)).unwrap();
    publish_next(&app).await;
    assert!(marker(&database).exists());
    become_other_installation(&client).await;
    assert_eq!(refused(&app).await, NotOwner::OtherInstallation);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_the_database_is_refused_until_it_takes_over() {
    let database = database().await;
    let app = database.app();
    // The owner's database is another one on this server, then one on another server.
    for field in ["database", "system"] {
        app.check_reports_owner().await.unwrap();
        edit_marker(&database, field, "1");
        assert_eq!(refused(&app).await, NotOwner::OtherCopy, "{field}");
        app.take_over_reports().await.unwrap();
        publish_next(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_database_is_told_apart_also_where_postgres_shows_nothing() {
    let database = database().await;
    let client = connect(&database).await;
    let hide = "REVOKE EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn() FROM PUBLIC";
    let app = database.app();
    app.check_reports_owner().await.unwrap();
    client.batch_execute(hide).await.unwrap();
    let shown = installation::get_identity(app.db()).await.unwrap();
    assert_eq!((shown.system, shown.timeline, shown.database.is_some()), (None, None, true));
    app.check_reports_owner().await.unwrap();
    installation::add_restore(app.db()).await.unwrap();
    assert_eq!(refused(&app).await, NotOwner::OtherCopy);
    app.take_over_reports().await.unwrap();
    app.check_reports_owner().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_is_named_and_needs_the_command_once() {
    let database = database().await;
    let app = database.app();
    app.check_reports_owner().await.unwrap();
    edit_marker(&database, "timeline", "00000000");
    assert_eq!(refused(&app).await, NotOwner::OtherTimeline);
    let said = app.check_reports_owner().await.unwrap_err().to_string();
    assert!(said.contains("failover") && said.contains("rollcall report take-over"), "{said}");
    app.take_over_reports().await.unwrap();
    publish_next(&app).await;

    fs::write(marker(&database), "{").unwrap();
    let damaged = app.check_reports_owner().await.unwrap_err();
    assert!(matches!(damaged, Error::NotReportsOwner { reason: NotOwner::DamagedMarker, .. }), "{damaged:?}");
    app.take_over_reports().await.unwrap();
    app.check_reports_owner().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_not_published_after_another_installation_has_taken_over() {
    let database = database().await;
    let client = connect(&database).await;
    create_mixed(&client, "a").await;
    create_mixed(&client, "b").await;
    corrupt(&client, "b", "m1").await;
    let app = database.app();
    let claimed = claim(&app).await;
    let path = marker(&database);
    // Another installation takes the place over while the report is written.
    let pause = |_| {
        let marker = fs::read_to_string(&path).unwrap();
        fs::write(&path, marker.replace("\"installation\": \"", "\"installation\": \"other-")).unwrap();
        std::future::ready(()).boxed()
    };
    let late = app.publish_mixed_report(&ReportAttempt { pause: &pause, ..attempt(&claimed) }).await;
    assert!(matches!(late, Err(Error::NotReportsOwner { .. })), "{late:?}");
    assert_eq!(app.list_reports(None, 10).await.unwrap(), []);
    assert!(!root(&database).join(REPORT_FOLDER).join("latest.json").exists());
}
