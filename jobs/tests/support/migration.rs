//! Organizations to migrate, and the results of their migration.

use std::{collections::BTreeMap, future::pending, time::Duration};

use rollcall_app::App;
use rollcall_jobs::{
    JobOptions,
    engine::{self, EngineOptions, JobSpec},
};
use rollcall_store::jobs::JobRun;
use tokio_postgres::Client;

use super::{
    Database,
    seed::{members_sql, organization_sql},
};

pub(crate) const MIGRATION: &str = "settings-migration";

/// Creates the organizations `org-00`, `org-01`, ..., each with a member who exports and one who does not.
pub(crate) async fn seed(client: &Client, organizations: usize) {
    for number in 0..organizations {
        let name = format!("org-{number:02}");
        client.batch_execute(&organization_sql(&name, "LEGACY")).await.unwrap();
        let members =
            "('m1', 'a@x.example', true, 'sales', NULL, NULL), ('m2', 'b@x.example', true, 'sales', NULL, NULL)";
        client.batch_execute(&members_sql(&name, members)).await.unwrap();
    }
    client.batch_execute("UPDATE members SET legacy_email_export = (id = 'm1')").await.unwrap();
}

pub(crate) async fn run(app: &App) -> JobRun {
    rollcall_jobs::run_in_process(app, MIGRATION, pending(), |_| {}).await.unwrap()
}

/// The outcome of a complete run of wave 0.
pub(crate) fn counts(migrated: i64, skipped: i64, members: i64) -> BTreeMap<String, i64> {
    let counts = [
        ("organizations_migrated", migrated),
        ("organizations_skipped", skipped),
        ("organizations_failed", 0),
        ("members", members),
        ("organizations_total", migrated),
        ("members_total", members),
        ("migration_wave", 0),
    ];
    counts.map(|(name, count)| (name.to_owned(), count)).into()
}

pub(crate) async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// Returns the rows that every migrated organization has exactly once.
pub(crate) async fn migrated_once(client: &Client, database: &Database) -> i64 {
    let events = "SELECT count(*) FROM audit_events WHERE method = 'settings-migration'";
    let migrated = count(client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await;
    assert_eq!(count(client, events).await, migrated, "{}", database.url);
    migrated
}

/// Returns the job.
pub(crate) fn spec() -> JobSpec {
    rollcall_jobs::specs(&JobOptions::default()).into_iter().find(|spec| spec.name == MIGRATION).unwrap()
}

/// Runs the job with short pauses between attempts.
pub(crate) async fn run_patiently(app: &App) -> JobRun {
    let options = EngineOptions { first_backoff: Duration::from_millis(10), ..EngineOptions::default() };
    engine::run_in_process(app, spec(), options, pending(), |_| {}).await.unwrap()
}
