//! Cancelling a run while the engine executes it.

use rollcall_proto::v1::{
    CancelJobRunRequest, JobAuditEvent, JobRun, JobRunState, ListJobAuditEventsRequest, ListJobAuditEventsResponse,
    ListJobsRequest, Phase,
};
use rollcall_testkit::{Member, Org, TestServer, difference, dump, refused};
use tokio_postgres::Client;

use super::{MIGRATION, REPORT, get, over, run};

const ID: &str = "0193f0c4-0000-7000-8000-000000000002";

fn cancelling(name: &str) -> CancelJobRunRequest {
    CancelJobRunRequest { name: name.to_owned(), ..Default::default() }
}

async fn cancel(server: &TestServer, request: CancelJobRunRequest) -> JobRun {
    server.jobs().cancel_job_run(request).await.unwrap().into_inner().run.unwrap()
}

/// Waits until the process that executes a run has renewed its lease twice: with the first renewal it reads the
/// cancellation, and before the second one it has stopped.
async fn heard(client: &Client) {
    let sql = "SELECT lease_until::text FROM job_runs WHERE state = 'RUNNING'";
    let mut renewed = Vec::new();
    while renewed.len() < 3 {
        let until: String = client.query_one(sql, &[]).await.unwrap().get(0);
        if renewed.last() != Some(&until) {
            renewed.push(until);
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_run_finishes_its_current_organization_and_no_other() {
    let server = TestServer::start().await;
    for id in ["a-done", "b-under-way", "c-to-come"] {
        Org::create(&server, id, Phase::Legacy).await.sync(&[Member::new("m", &[])]).await;
    }
    let (client, looks) = (server.database.client().await, server.database.client().await);
    client.batch_execute("BEGIN; SELECT FROM members WHERE organization_id = 'b-under-way' FOR UPDATE").await.unwrap();
    let name = server.jobs().run_job(run(MIGRATION, Some(0))).await.unwrap().into_inner().run.unwrap().name;
    while !get(&server, &name).await.outcome.contains_key("organizations_migrated") {
        tokio::task::yield_now().await;
    }
    let before = dump(&server.database, None).await["job_runs"].len();
    let checked = cancel(&server, CancelJobRunRequest { validate_only: true, ..cancelling(&name) }).await;
    assert_eq!((checked.state(), checked.cancel_time), (JobRunState::Running, None));
    assert_eq!(get(&server, &name).await.cancel_time, None, "it was only checked");

    let request = CancelJobRunRequest { request_id: ID.to_owned(), ..cancelling(&name) };
    let asked = cancel(&server, request.clone()).await;
    assert_eq!((asked.state(), asked.end_time), (JobRunState::Running, None));
    assert!(asked.cancel_time.is_some());
    heard(&looks).await;
    client.batch_execute("COMMIT").await.unwrap();
    let cancelled = over(&server, &name).await;
    assert_eq!(
        (cancelled.state(), cancelled.attempt, cancelled.cancel_time),
        (JobRunState::Cancelled, 1, asked.cancel_time)
    );
    assert_eq!((cancelled.outcome["organizations_migrated"], cancelled.failure.as_str()), (2, ""));
    let sql = "SELECT string_agg(id, ' ' ORDER BY id) FROM organizations WHERE phase = 'MIGRATED'";
    assert_eq!(looks.query_one(sql, &[]).await.unwrap().get::<_, String>(0), "a-done b-under-way");
    assert_eq!(dump(&server.database, None).await["job_runs"].len(), before, "nothing waits in its place");

    // The audit names who asked, once.
    let event = JobAuditEvent {
        run: name.clone(),
        time: cancelled.end_time,
        state: JobRunState::Cancelled.into(),
        actor: "anonymous".to_owned(),
        cause: "a caller asked the run to stop".to_owned(),
    };
    for (job, events) in [(MIGRATION, vec![event.clone()]), ("-", vec![event]), (REPORT, vec![])] {
        let request = ListJobAuditEventsRequest { parent: format!("jobs/{job}"), ..Default::default() };
        let listed = server.audit().list_job_audit_events(request).await.unwrap().into_inner();
        assert_eq!(listed, ListJobAuditEventsResponse { job_audit_events: events, next_page_token: String::new() });
    }
    let unknown = ListJobAuditEventsRequest { parent: "jobs/moon".to_owned(), ..Default::default() };
    assert_eq!(refused(server.audit().list_job_audit_events(unknown)).await, "NotFound JOB_NOT_FOUND job=moon");

    // Another cancellation returns the current run. The same request returns the first response.
    assert_eq!(cancel(&server, cancelling(&name)).await, cancelled);
    assert_eq!(cancel(&server, request).await, asked);
    let jobs = server.jobs().list_jobs(ListJobsRequest::default()).await.unwrap().into_inner().jobs;
    let job = jobs.iter().find(|job| job.name == format!("jobs/{MIGRATION}")).unwrap();
    assert_eq!((&job.current_run, &job.last_run), (&None, &Some(cancelled.clone())));
    // Another run migrates the rest.
    let rest = Org::create(&server, "d-new", Phase::Migrated).await.run_job(MIGRATION).await;
    assert_eq!(rest.outcome["organizations_migrated"], 1);
    assert_eq!(get(&server, &name).await, cancelled);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_has_ended_or_is_not_there_is_not_cancelled() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let ended = org.run_job(MIGRATION).await;
    let before = dump(&server.database, None).await;
    assert_eq!(cancel(&server, cancelling(&ended.name)).await, ended);
    let of_another_job = ended.name.replace(MIGRATION, REPORT);
    for name in [of_another_job, format!("jobs/{MIGRATION}/runs/00000000-0000-7000-8000-000000000000")] {
        for validate_only in [true, false] {
            let request = CancelJobRunRequest { validate_only, ..cancelling(&name) };
            let expected = format!("NotFound JOB_NOT_FOUND run={name}");
            assert_eq!(refused(server.jobs().cancel_job_run(request)).await, expected);
        }
    }
    let request = CancelJobRunRequest { request_id: "1".to_owned(), ..cancelling("jobs/moon") };
    let expected = "InvalidArgument INVALID_REQUEST request_id name";
    assert_eq!(refused(server.jobs().cancel_job_run(request)).await, expected);
    assert_eq!(difference(&before, &dump(&server.database, None).await), None);
}
