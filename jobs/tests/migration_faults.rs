//! Faults of the database during the settings migration: they are no fault of an organization's data, so no organization
//! is marked as failed.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use rollcall_app::App;
use rollcall_domain::{
    OrganizationId,
    migration::{MigrationState, MigrationStatus},
};
use rollcall_store::jobs::RunState;
use rollcall_testkit::BlockedSessions;
use support::{
    Database, database,
    migration::{count, migrated_once, run_patiently, seed},
    seed::connect,
};
use tokio_postgres::Client;

async fn status(app: &App, organization: &str) -> MigrationStatus {
    let organization = OrganizationId::parse(organization).unwrap();
    app.get_migration(&organization, None).await.unwrap().value
}

async fn migrated(client: &Client) -> i64 {
    count(client, "SELECT count(*) FROM organizations WHERE phase = 'MIGRATED'").await
}

async fn failed(client: &Client) -> i64 {
    count(client, "SELECT count(*) FROM settings_migrations WHERE state = 'FAILED'").await
}

/// Installs a trigger `fault` that raises an error with a SQLSTATE for the members of the organizations that are LIKE a
/// pattern.
async fn break_writes(database: &Database, organizations: &str, sqlstate: &str) {
    let event = "BEFORE UPDATE ON members FOR EACH ROW";
    let body = format!(
        "IF NEW.organization_id LIKE '{organizations}' THEN RAISE 'planted' USING ERRCODE = '{sqlstate}'; END IF"
    );
    database.database.create_trigger("fault", event, &body).await;
}

/// Locks a member of `org-01`, so that the job waits inside the migration of this organization.
async fn hold(database: &Database) -> Client {
    let holder = connect(database).await;
    holder.batch_execute("BEGIN; SELECT FROM members WHERE organization_id = 'org-01' FOR UPDATE").await.unwrap();
    holder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_server_fails_the_run_and_leaves_every_organization_pending() {
    // Disk full, out of memory, cancelled, deadlock, an internal error.
    for sqlstate in ["53100", "53200", "57014", "40P01", "XX000"] {
        let database = database().await;
        let (app, client) = (database.app(), connect(&database).await);
        seed(&client, 4).await;
        break_writes(&database, "%", sqlstate).await;
        let run_with_fault = run_patiently(&app).await;
        let failure = run_with_fault.failure.clone().unwrap();
        assert_eq!((run_with_fault.state, run_with_fault.attempt), (RunState::Failed, 5), "{sqlstate} {failure}");
        assert!(failure.contains("org-0"), "{failure}");
        assert_eq!((migrated(&client).await, failed(&client).await), (0, 0), "{sqlstate}");
        database.database.drop_trigger("fault", "members").await;
        let repaired = run_patiently(&app).await;
        assert_eq!((repaired.state, migrated(&client).await), (RunState::Succeeded, 4), "{sqlstate}");
        assert_eq!(status(&app, "org-00").await.record.unwrap().failure, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_fails_again_and_again_while_others_succeed_is_set_aside() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 5).await;
    break_writes(&database, "org-02", "53100").await;
    let first = run_patiently(&app).await;
    assert_eq!((first.state, first.attempt), (RunState::Failed, 1), "{first:?}");
    let failure = first.failure.unwrap();
    assert!(failure.contains("1 organization was set aside") && failure.contains("org-02: "), "{failure}");
    let counts = ["organizations_migrated", "organizations_failed", "organizations_set_aside"];
    assert_eq!(counts.map(|name| first.outcome[name]), [4, 0, 1]);
    assert_eq!((migrated(&client).await, failed(&client).await), (4, 0));
    let waiting = status(&app, "org-02").await;
    assert_eq!(waiting.state(), Some(MigrationState::Pending));
    let cause = waiting.record.unwrap().failure.unwrap();
    assert!(cause.contains("the next run tries it again"), "{cause}");
    assert!(failure.contains(&cause), "{failure}");
    database.database.drop_trigger("fault", "members").await;
    let second = run_patiently(&app).await;
    assert_eq!((second.state, second.outcome["organizations_migrated"]), (RunState::Succeeded, 1));
    assert_eq!(status(&app, "org-02").await.record.unwrap().failure, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_fails_last_is_recorded_and_does_not_stop_a_later_wave() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    client.batch_execute("UPDATE organizations SET wave = 1 WHERE id <> 'org-00'").await.unwrap();
    break_writes(&database, "org-00", "53200").await;
    let alone = run_patiently(&app).await;
    assert_eq!(
        (alone.state, alone.attempt),
        (RunState::Failed, 5),
        "no other organization shows that the server works"
    );
    let recorded = status(&app, "org-00").await;
    assert_eq!(recorded.state(), Some(MigrationState::Pending));
    assert!(recorded.record.unwrap().failure.is_some());
    let options = rollcall_app::AppOptions { migration_wave: 1, ..rollcall_app::AppOptions::default() };
    let next = run_patiently(&app.clone().with_options(options)).await;
    assert_eq!((next.state, next.attempt, next.outcome["organizations_migrated"]), (RunState::Failed, 1, 2));
    assert_eq!(next.outcome["organizations_set_aside"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_statement_is_tried_again() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    let (holder, blocked) = (hold(&database).await, BlockedSessions::of(&database.database).await);
    let cancel = async {
        blocked.wait_for(1).await;
        for pid in blocked.pids().await {
            client.query("SELECT pg_cancel_backend($1::integer)", &[&pid]).await.unwrap();
        }
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (run, ()) = tokio::join!(run_patiently(&app), cancel);
    assert_eq!((run.state, run.attempt, run.outcome["organizations_migrated"]), (RunState::Succeeded, 1, 3));
    assert_eq!(run.outcome["organizations_failed"], 0);
    assert_eq!(migrated_once(&client, &database).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminated_session_is_tried_again() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    let (holder, blocked) = (hold(&database).await, BlockedSessions::of(&database.database).await);
    let terminate = async {
        blocked.terminate().await;
        holder.batch_execute("COMMIT").await.unwrap();
    };
    let (run, ()) = tokio::join!(run_patiently(&app), terminate);
    assert_eq!((run.state, run.attempt, run.outcome["organizations_migrated"]), (RunState::Succeeded, 1, 3));
    assert_eq!(migrated_once(&client, &database).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_timeout_does_not_mark_the_organization_as_failed() {
    let mut database = database().await;
    let client = connect(&database).await;
    seed(&client, 3).await;
    let separator = if database.url.contains('?') { '&' } else { '?' };
    database.url = format!("{}{separator}options=-c%20statement_timeout%3D300", database.url);
    let app = database.app();
    let holder = hold(&database).await;
    let first = run_patiently(&app).await;
    assert_eq!((first.state, failed(&client).await, migrated(&client).await), (RunState::Failed, 0, 2), "{first:?}");
    assert_eq!(status(&app, "org-01").await.state(), Some(MigrationState::Pending));
    holder.batch_execute("COMMIT").await.unwrap();
    assert_eq!(run_patiently(&app).await.state, RunState::Succeeded);
    assert_eq!(migrated(&client).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_rows_mark_only_their_organization_as_failed() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client, 3).await;
    client.batch_execute("ALTER TABLE assignments DROP CONSTRAINT assignments_update_mode").await.unwrap();
    let damage = "UPDATE assignments SET update_mode = 'NONSENSE' WHERE organization_id = 'org-01' AND id = 'sales'";
    client.batch_execute(damage).await.unwrap();
    let run = run_patiently(&app).await;
    assert_eq!((run.state, run.attempt, run.outcome["organizations_migrated"]), (RunState::Failed, 1, 2), "{run:?}");
    let failed = status(&app, "org-01").await;
    assert_eq!(failed.state(), Some(MigrationState::Failed));
    assert!(failed.record.unwrap().failure.unwrap().contains("damaged"));
}
