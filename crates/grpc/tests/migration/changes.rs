//! Retries, rollbacks and waves of many organizations (ADR 23).

use std::collections::BTreeMap;

use rollcall_proto::v1::{
    AuditEvent, CancelJobRunRequest, ChangeMigrationsRequest, ChangeMigrationsResponse, ExpectedMigrationChanges,
    GetJobRunRequest, GetJobRunResponse, GetOrganizationRequest, JobRun, JobRunState, ListAuditEventsRequest,
    MigrationAction, MigrationState, Phase, RefusedOrganization, RunJobRequest,
};
use rollcall_testkit::{Member, Org, TestServer, difference, dump, refused};
use serde_json::json;
use tonic::{Response, Status};

use crate::{AUTOMATIC, YES, legacy, migration};

const RETRY: MigrationAction = MigrationAction::Retry;
const ROLL_BACK: MigrationAction = MigrationAction::RollBack;
const SET_WAVE: MigrationAction = MigrationAction::SetWave;

fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

fn filtered(action: MigrationAction, filter: &str) -> ChangeMigrationsRequest {
    ChangeMigrationsRequest {
        action: action.into(),
        filter: filter.to_owned(),
        wait_timeout: seconds(60),
        ..Default::default()
    }
}

fn named(action: MigrationAction, organizations: &[&str]) -> ChangeMigrationsRequest {
    let organizations = organizations.iter().map(|id| format!("organizations/{id}")).collect();
    ChangeMigrationsRequest { organizations, ..filtered(action, "") }
}

async fn change(
    server: &TestServer,
    request: ChangeMigrationsRequest,
) -> Result<Response<ChangeMigrationsResponse>, Status> {
    server.migration().change_migrations(request).await
}

/// Makes the change, whose run must succeed.
async fn run(server: &TestServer, request: ChangeMigrationsRequest) -> JobRun {
    let run = change(server, request).await.unwrap().into_inner().run.unwrap();
    assert_eq!(run.state(), JobRunState::Succeeded, "{run:?}");
    run
}

/// Returns the numbers of organizations: in all, changed, unchanged and refused.
fn counts(run: &JobRun) -> [i32; 4] {
    ["total", "changed", "unchanged", "refused"].map(|what| run.outcome[&format!("organizations_{what}")])
}

async fn get_run(server: &TestServer, name: &str) -> GetJobRunResponse {
    server.jobs().get_job_run(GetJobRunRequest { name: name.to_owned() }).await.unwrap().into_inner()
}

async fn state(server: &TestServer, org: &Org<'_>) -> MigrationState {
    migration(server, org).await.0.state()
}

async fn wave(server: &TestServer, org: &Org<'_>) -> i32 {
    let request = GetOrganizationRequest { name: org.name(), ..Default::default() };
    server.organizations().get_organization(request).await.unwrap().into_inner().organization.unwrap().wave()
}

/// Returns the audit events of the organization that changes of many organizations have made, newest first.
async fn events(server: &TestServer, org: &Org<'_>) -> Vec<AuditEvent> {
    let request = ListAuditEventsRequest { parent: org.name(), ..Default::default() };
    let mut events = server.audit().list_audit_events(request).await.unwrap().into_inner().audit_events;
    events.retain(|event| event.method == "ChangeMigrations");
    events
}

fn text(document: Option<&prost_types::Struct>, field: &str) -> String {
    match document.unwrap().fields.get(field).and_then(|value| value.kind.as_ref()) {
        Some(prost_types::value::Kind::StringValue(text)) => text.clone(),
        other => panic!("{field}: {other:?}"),
    }
}

/// Creates organizations in phase LEGACY, each with a wave and the recorded state of its migration.
async fn organizations<'a>(server: &'a TestServer, rows: &[(&'a str, i32, Option<&str>)]) -> Vec<Org<'a>> {
    let client = server.database.client().await;
    let mut created = Vec::new();
    for (id, wave, state) in rows {
        created.push(Org::create(server, id, Phase::Legacy).await);
        client.execute("UPDATE organizations SET wave = $1 WHERE id = $2", &[wave, id]).await.unwrap();
        if let Some(state) = state {
            let record = "INSERT INTO settings_migrations VALUES ($1, $2, 'planted', NULL, '[]', now())";
            client.execute(record, &[id, state]).await.unwrap();
        }
    }
    created
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_selects_the_organizations_that_are_retried() {
    let server = TestServer::start().await;
    let rows = [
        ("acme", 2, Some("FAILED")),
        ("beta", 1, Some("FAILED")),
        ("gamma", 2, Some("ROLLED_BACK")),
        ("pending", 2, None),
        ("zeta", 2, Some("FAILED")),
    ];
    let orgs = organizations(&server, &rows).await;
    Org::create(&server, "new", Phase::Migrated).await;
    let id = "0193f0c4-0000-7000-8000-00000000000a";
    let request =
        ChangeMigrationsRequest { request_id: id.to_owned(), ..filtered(RETRY, "wave = 2 AND state = FAILED") };
    let first = run(&server, request.clone()).await;
    assert_eq!(counts(&first), [2, 2, 0, 0]);
    let mut states = Vec::new();
    for org in &orgs {
        states.push(state(&server, org).await.as_str_name().trim_start_matches("MIGRATION_STATE_").to_owned());
    }
    assert_eq!(states, ["PENDING", "FAILED", "ROLLED_BACK", "PENDING", "PENDING"]);

    // Each organization has one event, which names the run, and the caller of the request.
    for org in [&orgs[0], &orgs[4]] {
        let events = events(&server, org).await;
        assert_eq!(events.len(), 1);
        let event = &events[0];
        assert_eq!((event.actor.as_str(), event.request_id.as_str()), ("anonymous", id));
        assert_eq!(event.resource, format!("{}/migration", org.name()));
        assert_eq!(text(event.before.as_ref(), "state"), "FAILED");
        assert_eq!(text(event.after.as_ref(), "state"), "PENDING");
        assert_eq!(text(event.after.as_ref(), "run"), first.name);
    }
    // The same request is the same run; a new request has nothing to do.
    let rows = dump(&server.database, None).await;
    assert_eq!(run(&server, request).await, first);
    assert_eq!(difference(&rows, &dump(&server.database, None).await), None);
    let again = run(&server, filtered(RETRY, "wave = 2 AND state = FAILED")).await;
    assert_eq!((counts(&again), again.name == first.name), ([0, 0, 0, 0], false));
    let rest = run(&server, filtered(RETRY, "wave = 2")).await;
    assert_eq!(counts(&rest), [4, 1, 3, 0], "pending organizations need no retry");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_changes_those_that_can_be_rolled_back_and_lists_the_others() {
    let server = TestServer::start().await;
    let acme = legacy(&server).await;
    let chosen = Org::create(&server, "chosen", Phase::Legacy).await;
    chosen.sync(&[Member::new("a", &["nobody"])]).await;
    acme.migrate().await;
    chosen.assign("new", &["nobody"], AUTOMATIC, Some(YES)).await;
    let old = Org::create(&server, "old", Phase::Legacy).await;
    Org::create(&server, "created-migrated", Phase::Migrated).await;
    let request = named(ROLL_BACK, &["old", "chosen", "created-migrated", "acme", "acme"]);

    let rows = dump(&server.database, None).await;
    let checked = ChangeMigrationsRequest { validate_only: true, ..request.clone() };
    let checked = change(&server, checked).await.unwrap().into_inner();
    assert_eq!(difference(&rows, &dump(&server.database, None).await), None);
    let refused_rows: Vec<RefusedOrganization> = [
        ("chosen", "a value was chosen on the assignment `new` after the migration"),
        ("created-migrated", "the organization was created migrated and has no old settings"),
    ]
    .map(|(id, why)| RefusedOrganization {
        organization: format!("organizations/{id}"),
        reason: "MIGRATION_ROLLBACK_TOO_LATE".to_owned(),
        message: format!(
            "the migration of `{id}` cannot be rolled back: {why}; change its assignments and members instead"
        ),
    })
    .into();
    let expected = ExpectedMigrationChanges {
        organizations_changed: 1,
        organizations_unchanged: 1,
        organizations_refused: 2,
        changed_sample: vec![acme.name()],
        refused_sample: refused_rows.clone(),
    };
    assert_eq!((checked.run, checked.expected), (None, Some(expected)));

    let done = run(&server, request).await;
    assert_eq!(counts(&done), [4, 1, 1, 2]);
    let found = get_run(&server, &done.name).await;
    assert_eq!((found.run, found.refused_organizations), (Some(done.clone()), refused_rows));
    assert_eq!(state(&server, &acme).await, MigrationState::RolledBack);
    assert_eq!(state(&server, &chosen).await, MigrationState::Migrated);
    assert_eq!(state(&server, &old).await, MigrationState::Pending);
    let event = events(&server, &acme).await.remove(0);
    assert_eq!((text(event.after.as_ref(), "run"), event.member_count), (done.name, 9));
    assert_eq!(text(event.after.as_ref(), "phase"), "LEGACY");
    assert!(events(&server, &chosen).await.is_empty() && events(&server, &old).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn organizations_move_to_another_wave() {
    let server = TestServer::start().await;
    let orgs =
        organizations(&server, &[("a", 0, None), ("b", 1, None), ("c", 1, Some("FAILED")), ("d", 3, None)]).await;
    let request = ChangeMigrationsRequest { wave: Some(3), ..filtered(SET_WAVE, "wave = 1") };
    let done = run(&server, request).await;
    assert_eq!(counts(&done), [2, 2, 0, 0]);
    let mut waves = BTreeMap::new();
    for org in &orgs {
        waves.insert(org.name(), wave(&server, org).await);
    }
    assert_eq!(
        json!(waves),
        json!({
            "organizations/a": 0, "organizations/b": 3, "organizations/c": 3, "organizations/d": 3
        })
    );
    let event = events(&server, &orgs[1]).await.remove(0);
    assert_eq!((event.resource, text(event.after.as_ref(), "run")), ("organizations/b".to_owned(), done.name));
    // An organization of the wave needs no change, and neither revision nor event.
    let request = ChangeMigrationsRequest { wave: Some(3), ..named(SET_WAVE, &["d", "a"]) };
    assert_eq!(counts(&run(&server, request).await), [2, 1, 1, 0]);
    assert!(events(&server, &orgs[3]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_name_their_fields_and_start_nothing() {
    let server = TestServer::start().await;
    organizations(&server, &[("acme", 2, Some("FAILED"))]).await;
    let rows = dump(&server.database, None).await;
    let many: Vec<String> = (0..10_001).map(|number| format!("organizations/o{number}")).collect();
    let with_wave = |action, wave| ChangeMigrationsRequest { wave: Some(wave), ..named(action, &["acme"]) };
    let both = ChangeMigrationsRequest { filter: "wave = 2".to_owned(), ..named(RETRY, &["acme"]) };
    let cases = [
        (filtered(MigrationAction::Unspecified, "wave = 2"), "InvalidArgument INVALID_REQUEST action"),
        (filtered(SET_WAVE, "wave = 2"), "InvalidArgument INVALID_REQUEST wave"),
        (with_wave(SET_WAVE, -1), "InvalidArgument INVALID_REQUEST wave"),
        (with_wave(RETRY, 1), "InvalidArgument INVALID_REQUEST wave"),
        (filtered(RETRY, ""), "InvalidArgument INVALID_REQUEST filter"),
        (both, "InvalidArgument INVALID_REQUEST filter"),
        (filtered(RETRY, "wave = 2 OR TRUE"), "InvalidArgument INVALID_REQUEST filter"),
        (filtered(RETRY, "state = 'FAILED'; DELETE FROM job_runs"), "InvalidArgument INVALID_REQUEST filter"),
        (filtered(RETRY, &"wave = 2 ".repeat(100)), "InvalidArgument INVALID_REQUEST filter"),
        (
            ChangeMigrationsRequest { organizations: many, ..filtered(RETRY, "") },
            "InvalidArgument INVALID_REQUEST organizations",
        ),
        (named(RETRY, &["acme", "No Id"]), "InvalidArgument INVALID_REQUEST organizations[1]"),
        (named(RETRY, &["acme", "nobody"]), "NotFound ORGANIZATION_NOT_FOUND organization=nobody"),
        (
            ChangeMigrationsRequest { wait_timeout: seconds(601), ..filtered(RETRY, "wave = 2") },
            "InvalidArgument INVALID_REQUEST wait_timeout",
        ),
    ];
    for (request, expected) in cases {
        for validate_only in [true, false] {
            let request = ChangeMigrationsRequest { validate_only, ..request.clone() };
            assert_eq!(refused(change(&server, request)).await, expected);
        }
    }
    assert_eq!(difference(&rows, &dump(&server.database, None).await), None);
    // A run without a request changes nothing, and says why.
    let request = RunJobRequest { name: "jobs/migration-changes".to_owned(), ..Default::default() };
    let failed = server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap();
    assert_eq!(failed.state(), JobRunState::Failed);
    assert!(failed.failure.contains("request it with ChangeMigrations"), "{}", failed.failure);
}

/// Waits for the end of a run.
async fn ended(server: &TestServer, name: &str) -> JobRun {
    loop {
        let run = get_run(server, name).await.run.unwrap();
        if ![JobRunState::Pending, JobRunState::Running].contains(&run.state()) {
            return run;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_no_longer_matches_is_not_changed() {
    let server = TestServer::start().await;
    let orgs = organizations(&server, &[("a", 1, None), ("b", 1, None), ("c", 1, None)]).await;
    let mut holder = server.database.client().await;
    let held = holder.transaction().await.unwrap();
    held.execute("UPDATE organizations SET wave = 2 WHERE id = 'b'", &[]).await.unwrap();
    let request = ChangeMigrationsRequest { wave: Some(5), wait_timeout: seconds(0), ..filtered(SET_WAVE, "wave = 1") };
    let open = change(&server, request).await.unwrap().into_inner().run.unwrap();
    server.wait_for_queued_writes("b", 1).await;
    for validate_only in [true, false] {
        let second = ChangeMigrationsRequest { validate_only, ..filtered(RETRY, "wave = 1") };
        let expected = format!("FailedPrecondition JOB_ALREADY_RUNNING run={}", open.name);
        assert_eq!(refused(change(&server, second)).await, expected);
    }
    held.commit().await.unwrap();
    let ended = ended(&server, &open.name).await;
    assert_eq!((ended.state(), counts(&ended)), (JobRunState::Succeeded, [3, 2, 1, 0]));
    assert_eq!(wave(&server, &orgs[1]).await, 2);
    assert!(events(&server, &orgs[1]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_ends_after_its_current_organization() {
    let server = TestServer::start().await;
    let orgs = organizations(&server, &[("a", 1, None), ("b", 1, None), ("c", 1, None)]).await;
    let mut holder = server.database.client().await;
    let held = holder.transaction().await.unwrap();
    held.execute("SELECT FROM organizations WHERE id = 'b' FOR UPDATE", &[]).await.unwrap();
    let request = ChangeMigrationsRequest { wave: Some(5), wait_timeout: seconds(0), ..filtered(SET_WAVE, "wave = 1") };
    let open = change(&server, request).await.unwrap().into_inner().run.unwrap();
    server.wait_for_queued_writes("b", 1).await;
    let request = CancelJobRunRequest { name: open.name.clone(), ..Default::default() };
    let asked = server.jobs().cancel_job_run(request).await.unwrap().into_inner().run.unwrap();
    assert_eq!((asked.state(), asked.cancel_time.is_some()), (JobRunState::Running, true));
    // Each heartbeat reads that the run is to stop. After the second one, the first one has told the job.
    let watch = server.database.client().await;
    let lease = async || -> String {
        let sql = "SELECT lease_until::text FROM job_runs WHERE state = 'RUNNING' AND job = 'migration-changes'";
        watch.query_one(sql, &[]).await.unwrap().get(0)
    };
    for _ in 0..2 {
        let before = lease().await;
        while lease().await == before {}
    }
    held.commit().await.unwrap();
    let ended = ended(&server, &open.name).await;
    assert_eq!(ended.state(), JobRunState::Cancelled);
    assert_eq!((ended.outcome["organizations_total"], ended.outcome["organizations_changed"]), (3, 2));
    let mut waves = Vec::new();
    for org in &orgs {
        waves.push(wave(&server, org).await);
    }
    assert_eq!(waves, [5, 5, 1], "`b` is done and `c` is not");
}
