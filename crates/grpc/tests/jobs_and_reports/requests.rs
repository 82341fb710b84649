//! `RunJob` with a repeated `request_id`, and with `validate_only`.

use rollcall_proto::v1::{JobRun, JobRunState, Phase, RunJobRequest};
use rollcall_testkit::{Org, TestServer, difference, dump, refused};
use tokio::task::JoinSet;

use super::{MIGRATION, REPORT, list, over, run};

const ID: &str = "0193f0c4-0000-7000-8000-000000000001";

fn once(job: &str, wait: i64) -> RunJobRequest {
    RunJobRequest { request_id: ID.to_owned(), ..run(job, Some(wait)) }
}

async fn ask(server: &TestServer, request: RunJobRequest) -> JobRun {
    server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_returns_the_current_state_of_its_run() {
    let server = TestServer::start().await;
    Org::create(&server, "acme", Phase::Legacy).await;
    let client = server.database.client().await;
    client.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let open = ask(&server, once(MIGRATION, 0)).await;
    assert_eq!((open.end_time, open.name.is_empty()), (None, false));
    let again = ask(&server, once(MIGRATION, 0)).await;
    assert_eq!((again.end_time, &again.name), (None, &open.name));
    // Another request for the job is refused, and so is the same `request_id` with another request.
    let expected = format!("FailedPrecondition JOB_ALREADY_RUNNING run={}", open.name);
    assert_eq!(refused(server.jobs().run_job(run(MIGRATION, None))).await, expected);
    for other in [once(REPORT, 0), once(MIGRATION, 1), RunJobRequest { validate_only: true, ..once(MIGRATION, 0) }] {
        let expected = format!("AlreadyExists REQUEST_ID_REUSED request_id={ID}");
        assert_eq!(refused(server.jobs().run_job(other)).await, expected);
    }
    client.batch_execute("COMMIT").await.unwrap();
    let ended = over(&server, &open.name).await;
    assert_eq!(ask(&server, once(MIGRATION, 0)).await, ended);
    assert_eq!(list(&server, MIGRATION).await, [ended]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_identical_requests_wait_for_one_run() {
    let server = TestServer::start().await;
    Org::create(&server, "acme", Phase::Legacy).await;
    let client = server.database.client().await;
    client.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let mut asking = JoinSet::new();
    for _ in 0..12 {
        let mut jobs = server.jobs();
        asking.spawn(async move { jobs.run_job(once(MIGRATION, 60)).await });
    }
    while list(&server, MIGRATION).await.is_empty() {
        tokio::task::yield_now().await;
    }
    client.batch_execute("COMMIT").await.unwrap();
    let answers = asking.join_all().await;
    let [ended] = &list(&server, MIGRATION).await[..] else { panic!("more than one run") };
    assert_eq!(ended.state(), JobRunState::Succeeded);
    for answer in answers {
        assert_eq!(answer.unwrap().into_inner().run.as_ref(), Some(ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn validate_only_creates_no_run() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Legacy).await;
    let check = |job: &str| RunJobRequest { validate_only: true, request_id: ID.to_owned(), ..run(job, Some(30)) };
    let before = dump(&server.database, None).await;
    let unmade = JobRun { state: JobRunState::Pending.into(), ..Default::default() };
    assert_eq!(ask(&server, check(MIGRATION)).await, unmade);
    assert_eq!(refused(server.jobs().run_job(check("moon"))).await, "NotFound JOB_NOT_FOUND job=moon");
    assert_eq!(difference(&before, &dump(&server.database, None).await), None);

    let client = server.database.client().await;
    client.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    let open = ask(&server, run(MIGRATION, Some(0))).await;
    let expected = format!("FailedPrecondition JOB_ALREADY_RUNNING run={}", open.name);
    assert_eq!(refused(server.jobs().run_job(check(MIGRATION))).await, expected);
    assert_eq!(ask(&server, check(REPORT)).await, unmade);
    client.batch_execute("COMMIT").await.unwrap();
    over(&server, &open.name).await;
    // The same `request_id` is accepted after `validate_only`.
    assert_eq!(ask(&server, once(REPORT, 30)).await.state(), JobRunState::Succeeded);
    org.run_job(REPORT).await;
}
