//! The changes since the previous report, and the name of the latest report, on a real Postgres and a real directory.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::{fs, path::PathBuf};

use rollcall_app::{
    App,
    reports::{CHANGES_FILE, LATEST_FILE, MANIFEST_FILE, MIXED_FILE, REPORT_FOLDER, Report},
};
use rollcall_store::jobs;
use serde_json::{Value, json};
use support::{
    Database, database,
    reports::{claim, publish},
    seed::{connect, members_sql, organization_sql, seed},
};

const HEADER: &str = "organization,assignment,assignment_name,change,assignment_rank,update_mode,action_required,\
    members_exporting,members_not_exporting\r\n";

fn path(database: &Database, file: &str) -> PathBuf {
    url::Url::parse(&database.reports_url()).unwrap().to_file_path().unwrap().join(file)
}

fn text(database: &Database, report: &Report, file: &str) -> String {
    fs::read_to_string(path(database, &format!("{}/{file}", report.path))).unwrap()
}

fn changes(database: &Database, report: &Report) -> Value {
    serde_json::from_str::<Value>(&text(database, report, MANIFEST_FILE)).unwrap()["changes"].clone()
}

fn latest(database: &Database) -> Value {
    let text = fs::read_to_string(path(database, &format!("{REPORT_FOLDER}/{LATEST_FILE}"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

async fn publish_next(app: &App) -> Report {
    let claimed = claim(app).await;
    let report = publish(app, &claimed).await;
    jobs::finish_run(app.db(), claimed.fence, &jobs::RunCounts::new(), Some(&report.id)).await.unwrap();
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_contains_the_changes_since_the_previous_one() {
    let database = database().await;
    let app = database.app();
    let client = connect(&database).await;
    seed(&client).await;
    let first = publish_next(&app).await;
    assert_eq!(text(&database, &first, CHANGES_FILE), HEADER);
    assert_eq!(changes(&database, &first), json!({ "since": null, "newly_mixed": 0, "resolved": 0 }));

    // An organization sorted before the mixed ones and one after them. There, one assignment becomes uniform, and
    // another one becomes mixed.
    let members = "('n1', 'a@x.example', true, 'default', 'EXPORT', NULL), ('n2', 'b@x.example', true, 'default', 'DO_NOT_EXPORT', NULL)";
    client.batch_execute(&members_sql("a-first", members)).await.unwrap();
    client.batch_execute(&organization_sql("zoo", "MIGRATED")).await.unwrap();
    client.batch_execute(&members_sql("zoo", &members.replace("default", "support"))).await.unwrap();
    client
        .batch_execute(
            "UPDATE members SET email_export = 'EXPORT' WHERE id = 'm5';
            UPDATE assignments SET display_name = '=Default, \"all\"' WHERE id = 'default';
            UPDATE members SET assignment_id = 'default' WHERE id IN ('m1', 'm2');",
        )
        .await
        .unwrap();
    let second = publish_next(&app).await;
    let expected = "\
        a-first,default,\"'=Default, \"\"all\"\"\",NEWLY_MIXED,3,MANUAL_EDITING,false,1,1\r\n\
        acme,sales,Sales,RESOLVED,1,AUTOMATIC_UPDATES,true,1,1\r\n\
        acme,support,Support,RESOLVED,2,MANUAL_EDITING,false,1,1\r\n\
        acme,default,\"'=Default, \"\"all\"\"\",NEWLY_MIXED,3,MANUAL_EDITING,false,2,1\r\n\
        zoo,support,Support,NEWLY_MIXED,2,MANUAL_EDITING,false,1,1\r\n";
    assert_eq!(text(&database, &second, CHANGES_FILE), format!("{HEADER}{expected}"));
    assert_eq!(changes(&database, &second), json!({ "since": first.id, "newly_mixed": 3, "resolved": 2 }));

    client.batch_execute("UPDATE members SET email_export = 'EXPORT' WHERE organization_id = 'zoo'").await.unwrap();
    let third = publish_next(&app).await;
    let expected = "zoo,support,Support,RESOLVED,2,MANUAL_EDITING,false,1,1\r\n";
    assert_eq!(text(&database, &third, CHANGES_FILE), format!("{HEADER}{expected}"));
    assert_eq!(changes(&database, &third), json!({ "since": second.id, "newly_mixed": 0, "resolved": 1 }));
    let fourth = publish_next(&app).await;
    assert_eq!(text(&database, &fourth, CHANGES_FILE), HEADER);
    assert_eq!(changes(&database, &fourth), json!({ "since": third.id, "newly_mixed": 0, "resolved": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_damaged_previous_report_is_not_compared() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    for damage in ["gone", "cut", "other bytes", "other columns", "no text"] {
        let before = publish_next(&app).await;
        let file = path(&database, &format!("{}/{MIXED_FILE}", before.path));
        let csv = fs::read_to_string(&file).unwrap();
        match damage {
            "gone" => fs::remove_file(&file).unwrap(),
            "cut" => fs::write(&file, &csv[..csv.len() - 100]).unwrap(),
            "other bytes" => fs::write(&file, csv.replace("sales", "sells")).unwrap(),
            "other columns" => fs::write(&file, csv.replacen("update_mode", "mode", 1)).unwrap(),
            _ => fs::write(&file, b"\xff\xfe\n").unwrap(),
        }
        let report = publish_next(&app).await;
        assert_eq!(text(&database, &report, CHANGES_FILE), HEADER, "{damage}");
        assert_eq!(changes(&database, &report)["since"], Value::Null, "{damage}");
        assert_eq!(report.rows, 5, "{damage}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_report_is_named_even_after_a_crash() {
    let database = database().await;
    let app = database.app();
    seed(&connect(&database).await).await;
    let first = publish_next(&app).await;
    let named = |report: &Report| {
        let path = report.path.strip_prefix("mixed-settings/").unwrap();
        let manifest = report.files.0.last().unwrap();
        assert_eq!(manifest.file, MANIFEST_FILE);
        json!({
            "schema_version": 1,
            "report": report.id,
            "path": path,
            "manifest": format!("{path}/{MANIFEST_FILE}"),
            "data_as_of": report.data_as_of.to_rfc3339_opts(chrono::SecondsFormat::Micros, true),
            "manifest_sha256": manifest.sha256,
        })
    };
    assert_eq!(latest(&database), named(&first));
    let before = fs::read(path(&database, "mixed-settings/latest.json")).unwrap();
    let claimed = claim(&app).await;
    let second = publish(&app, &claimed).await;
    assert_eq!(latest(&database), named(&second));
    // The process died after writing the row. Another attempt of the run finds the report.
    fs::write(path(&database, "mixed-settings/latest.json"), before).unwrap();
    assert_eq!(publish(&app, &claimed).await, second);
    assert_eq!(latest(&database), named(&second));
}
