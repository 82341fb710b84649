//! The self-check as a job: which organizations it checks, what it counts, and what it does when one cannot be read.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

mod support;

use std::future::pending;

use rollcall_jobs::{
    JobOptions,
    engine::{Engine, JobSpec},
};
use rollcall_store::jobs::{self, JobRun, RequestedRun, RunState};
use rollcall_testkit::{
    TestServer,
    standard::{MigrationHistory, StandardOrganization},
};
use support::{
    database,
    jobs::{options, reached},
    seed::{connect, seed},
};
use tokio_postgres::Client;

const JOB: &str = "self-check";

fn spec() -> JobSpec {
    rollcall_jobs::specs(&JobOptions::default()).into_iter().find(|spec| spec.name == JOB).unwrap()
}

async fn run(server: &TestServer) -> JobRun {
    rollcall_jobs::run_in_process(&server.app, JOB, pending(), |_| {}).await.unwrap()
}

/// Returns the state of a run, the number of checked organizations and the number of differences.
fn result(run: &JobRun) -> (RunState, i64, i64) {
    (run.state, run.outcome["organizations_checked"], run.outcome["differences"])
}

/// Makes the last check of an organization older.
async fn age(client: &Client, organization: &str, hours: i32) {
    let sql = format!(
        "UPDATE self_checks SET checked_at = now() - interval '{hours} hours' WHERE organization_id = '{organization}'"
    );
    client.execute(&sql, &[]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_organizations_are_checked_every_night_and_the_others_once_a_week() {
    let server = TestServer::start().await;
    let client = server.database.client().await;
    let mut standard = Vec::new();
    for id in ["acme", "beta", "crew"] {
        let history = MigrationHistory::CreatedMigrated;
        standard.push(StandardOrganization::create(&server, id, history).await.unwrap());
        client.execute("DELETE FROM self_checks WHERE organization_id = 'crew'", &[]).await.unwrap();
    }
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 1, 0), "only `crew` was never checked");
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 0, 0));

    let rename = r#"{"organization": {"name": "$org", "display_name": "Renamed"}, "update_mask": "displayName"}"#;
    standard[1].make("OrganizationService/UpdateOrganization", rename).await.unwrap();
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 1, 0));
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 0, 0));

    age(&client, "acme", 6 * 24).await;
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 0, 0));
    age(&client, "acme", 7 * 24).await;
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 1, 0));
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 0, 0));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_differences_counts_them_and_succeeds() {
    let server = TestServer::start().await;
    let client = server.database.client().await;
    for id in ["acme", "beta"] {
        let history = MigrationHistory::MigratedByJob;
        StandardOrganization::create(&server, id, history).await.unwrap();
        age(&client, id, 8 * 24).await;
    }
    client.execute("DELETE FROM audit_events WHERE organization_id = 'beta' AND revision = 2", &[]).await.unwrap();
    assert_eq!(result(&run(&server).await), (RunState::Succeeded, 2, 1));
    let counted = "SELECT organization_id FROM self_checks WHERE difference_count = 1
        AND counts = '{\"AUDIT_REVISIONS\": 1}'";
    let counted: String = client.query_one(counted, &[]).await.unwrap().get(0);
    assert_eq!(counted, "beta");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_cannot_be_read_does_not_keep_the_others_from_their_check() {
    let database = database().await;
    let (app, client) = (database.app(), connect(&database).await);
    seed(&client).await;
    client.execute("UPDATE organizations SET catalog = '[]' WHERE id = 'acme'", &[]).await.unwrap();
    let engine = Engine::start(app.clone(), vec![spec()], options()).await.unwrap();
    let requested = match jobs::request_run(app.db(), JOB).await.unwrap() {
        RequestedRun::Created(run) => run,
        RequestedRun::AlreadyOpen(run) => panic!("{run:?} is open"),
    };
    let ended = reached(&app, requested.id, RunState::Failed).await;
    let failure = ended.failure.unwrap();
    assert_eq!(failure, "1 organization could not be checked: acme; the log says why");
    assert_eq!((ended.attempt, ended.outcome["organizations_checked"]), (3, 2), "later attempts check only `acme`");
    let checked = client.query("SELECT organization_id FROM self_checks ORDER BY 1", &[]).await.unwrap();
    let checked: Vec<String> = checked.iter().map(|row| row.get(0)).collect();
    assert_eq!(checked, ["a-first", "beta"]);
    engine.stop(support::jobs::DEADLINE).await;
}
