//! Requested runs, and reading runs.

use rollcall_proto::v1::{GetJobRunRequest, JobRunState, ListJobRunsRequest, Phase};
use rollcall_testkit::{Member, Org, TestServer, refused};

use super::{MIGRATION, REPORT, ended, get, list, over, run, runs};

#[tokio::test(flavor = "multi_thread")]
async fn a_run_returns_its_final_state() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    org.sync(&[Member::new("a", &[]), Member::new("b", &[])]).await;
    let first = org.run_job(MIGRATION).await;
    assert!(first.name.starts_with("jobs/settings-migration/runs/"), "{first:?}");
    assert!(first.scheduled_time.is_some() && first.start_time.is_some() && first.end_time.is_some());
    let counts = |migrated, members| {
        [
            ("migration_wave", 0),
            ("organizations_total", migrated),
            ("organizations_migrated", migrated),
            ("organizations_failed", 0),
            ("organizations_skipped", 0),
            ("members_total", members),
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
async fn runs_are_listed_in_pages_newest_first() {
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
async fn missing_jobs_and_runs_are_not_found() {
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
    assert_eq!(list(&server, "-").await, [known]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_run_starts_during_a_run() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    // The migration waits for the locked organization.
    let client = server.database.client().await;
    client.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let open = server.jobs().run_job(run(MIGRATION, Some(0))).await.unwrap().into_inner().run.unwrap();
    assert!([JobRunState::Pending, JobRunState::Running].contains(&open.state()), "{open:?}");
    let expected = format!("FailedPrecondition JOB_ALREADY_RUNNING run={}", open.name);
    assert_eq!(refused(server.jobs().run_job(run(MIGRATION, None))).await, expected);
    org.run_job(REPORT).await;
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(over(&server, &open.name).await.state(), JobRunState::Succeeded);
    assert_eq!(list(&server, MIGRATION).await.len(), 1);
}
