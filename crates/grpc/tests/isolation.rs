//! No organization makes another one wait: calls that wait for a locked organization hold no connection, and the reads of
//! callers that are gone stop.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::time::Duration;

use rollcall_proto::v1::{
    Assignment, CheckEmailExportRequest, CreateAssignmentRequest, EmailExport, ExportMembersCsvRequest,
    GetAssignmentRequest, ListReportsRequest, Phase, UpdateMode, check_email_export_request::Subject,
    member_service_client::MemberServiceClient,
};
use rollcall_store::Limits;
use rollcall_testkit::{BlockedSessions, Direction, Member, Org, TestServer, reason};
use tokio::task::JoinHandle;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_types::StatusExt as _;

/// The time limit of an operation that must complete.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The deadline of calls that cannot be answered.
const DEADLINE: Duration = Duration::from_millis(500);

/// More calls than the server has connections.
const CALLS: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_for_an_organization_hold_no_connection() {
    let server = TestServer::start().await;
    let held = Org::create(&server, "held", Phase::Migrated).await;
    let free = Org::create(&server, "free", Phase::Migrated).await;
    for org in [held, free] {
        org.sync(&[Member::new("ada", &["eng"])]).await;
    }
    let lock_holder = server.database.client().await;
    lock_holder.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'held' FOR UPDATE").await.unwrap();
    let waiting: Vec<_> = (0..CALLS)
        .map(|number| {
            let id = format!("eng-{number}");
            let request = held.new_assignment(&id, &["eng"], UpdateMode::ManualEditing, Some(EmailExport::Export));
            let mut assignments = server.assignments();
            tokio::spawn(async move { assignments.create_assignment(request).await })
        })
        .collect();
    server.wait_for_queued_writes("held", CALLS).await;
    assert!(BlockedSessions::of(&server.database).await.pids().await.is_empty());

    free.check("ada", None).await;
    lock_holder.batch_execute("COMMIT").await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    server.stop().await;
}

/// Whether the deadline of a call has passed. The client also watches it, and then cancels the call.
fn is_expired(status: &Status) -> bool {
    matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled)
}

/// Starts a server with these limits and an organization `acme` with one member, and locks the organization. Returns the
/// session that holds the lock.
async fn start_locked(limits: Limits) -> (TestServer, tokio_postgres::Client) {
    let server = TestServer::start_with_limits(limits).await;
    Org::create(&server, "acme", Phase::Migrated).await.sync(&[Member::new("ada", &["eng"])]).await;
    let lock_holder = server.database.client().await;
    lock_holder.batch_execute("BEGIN; SELECT FROM organizations WHERE id = 'acme' FOR UPDATE").await.unwrap();
    (server, lock_holder)
}

/// Starts to create an assignment of `acme` that ada enters.
fn start_creating(server: &TestServer, id: &str, deadline: Duration) -> JoinHandle<Result<(), Status>> {
    let mut request = Request::new(CreateAssignmentRequest {
        parent: "organizations/acme".to_owned(),
        assignment_id: id.to_owned(),
        assignment: Some(Assignment {
            display_name: id.to_owned(),
            groups: vec!["organizations/acme/groups/eng".to_owned()],
            update_mode: UpdateMode::ManualEditing.into(),
            email_export: EmailExport::Export.into(),
            ..Default::default()
        }),
        ..Default::default()
    });
    request.set_timeout(deadline);
    let mut assignments = server.assignments();
    tokio::spawn(async move { assignments.create_assignment(request).await.map(drop) })
}

async fn is_assignment(server: &TestServer, id: &str) -> bool {
    let name = format!("organizations/acme/assignments/{id}");
    server.assignments().get_assignment(GetAssignmentRequest { name, ..Default::default() }).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_leaves_the_queue_with_its_caller() {
    let (server, lock_holder) = start_locked(Limits { lock: 10 * TIMEOUT, ..Limits::default() }).await;
    let (head, waiting) = (start_creating(&server, "a", DEADLINE), start_creating(&server, "b", DEADLINE));
    for call in [head, waiting] {
        let status = call.await.unwrap().unwrap_err();
        assert!(is_expired(&status), "{status:?}");
    }
    server.wait_for_queued_writes("acme", 0).await;
    lock_holder.batch_execute("COMMIT").await.unwrap();
    start_creating(&server, "c", TIMEOUT).await.unwrap().unwrap();
    let created = [is_assignment(&server, "a").await, is_assignment(&server, "b").await];
    assert_eq!((created, is_assignment(&server, "c").await), ([false, false], true));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_the_queue_is_refused() {
    let (server, lock_holder) = start_locked(Limits { waiting_writes: 2, ..Limits::default() }).await;
    let waiting: Vec<_> = ["a", "b", "c"].map(|id| start_creating(&server, id, TIMEOUT)).into();
    server.wait_for_queued_writes("acme", 3).await;
    let refused = start_creating(&server, "d", TIMEOUT).await.unwrap().unwrap_err();
    assert_eq!((refused.code(), &*reason(&refused)), (Code::ResourceExhausted, "OVERLOADED"));
    assert!(refused.get_error_details().retry_info().is_some(), "{refused:?}");
    lock_holder.batch_execute("COMMIT").await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    server.wait_for_queued_writes("acme", 0).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_beyond_its_limit_is_unavailable() {
    let (server, _lock_holder) = start_locked(Limits { lock: DEADLINE, ..Limits::default() }).await;
    let waiting: Vec<_> = ["a", "b"].map(|id| start_creating(&server, id, TIMEOUT)).into();
    for call in waiting {
        let refused = call.await.unwrap().unwrap_err();
        assert_eq!((refused.code(), &*reason(&refused)), (Code::Unavailable, "OVERLOADED"));
        assert!(refused.get_error_details().retry_info().is_some(), "{refused:?}");
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_has_begun_runs_to_its_end_without_its_caller() {
    let (server, lock_holder) = start_locked(Limits::default()).await;
    lock_holder.batch_execute("COMMIT; BEGIN; SELECT FROM members FOR UPDATE").await.unwrap();
    let call = start_creating(&server, "a", DEADLINE);
    let blocked = BlockedSessions::of(&server.database).await;
    blocked.wait_for(1).await;
    assert!(is_expired(&call.await.unwrap().unwrap_err()));
    blocked.wait_for(1).await;
    lock_holder.batch_execute("COMMIT").await.unwrap();
    server.wait_for_queued_writes("acme", 0).await;
    assert!(is_assignment(&server, "a").await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_that_nobody_reads_do_not_stop_the_server() {
    let server = TestServer::start().await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    let beta = Org::create(&server, "beta", Phase::Migrated).await;
    for org in [acme, beta] {
        org.sync_large().await;
    }
    let (mut open, mut refused) = (Vec::new(), Vec::new());
    for number in 0..40 {
        let parent = if number < 20 { acme.name() } else { beta.name() };
        let request = ExportMembersCsvRequest { parent, ..Default::default() };
        // A connection of its own: an unread stream takes the window of its connection.
        let endpoint = Channel::from_shared(format!("http://{}", server.address)).unwrap();
        let mut members = MemberServiceClient::new(endpoint.connect().await.unwrap());
        match members.export_members_csv(request).await {
            Ok(chunks) => open.push(chunks.into_inner()),
            Err(status) => refused.push(status),
        }
    }
    assert!(!refused.is_empty() && open.len() > 2, "{} exports are open", open.len());
    for status in refused {
        assert_eq!((status.code(), &*reason(&status)), (Code::ResourceExhausted, "OVERLOADED"));
    }
    assert_eq!(server.app.db().connections_in_use().streams, open.len());
    beta.check("member-7", None).await;
    beta.get_member("member-7").await;
    beta.assign("a", &["eng"], UpdateMode::ManualEditing, Some(EmailExport::Export)).await;
    drop(open);
    let closed = async {
        while server.app.db().connections_in_use().streams > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, closed).await.expect("an export without a reader stays open");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checks_do_not_wait_for_connections_of_other_calls() {
    let server = TestServer::start().await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    acme.sync(&[Member::new("ada", &["eng"])]).await;
    let client = server.database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE reports IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // Only reads of an organization are limited to a part of the connections.
    let reads: Vec<_> = (0..CALLS)
        .map(|_| {
            let mut reports = server.reports_service();
            tokio::spawn(async move { reports.list_reports(ListReportsRequest::default()).await })
        })
        .collect();
    // As many as there are connections for other work.
    BlockedSessions::of(&server.database).await.wait_for(17).await;
    acme.check("ada", None).await;
    client.batch_execute("COMMIT").await.unwrap();
    for read in reads {
        read.await.unwrap().unwrap();
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_gives_its_connection_back() {
    let server = TestServer::start().await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    acme.sync(&[Member::new("ada", &["eng"])]).await;
    let client = server.database.client().await;
    let sessions = async || -> Vec<i32> {
        let sql = "SELECT pid FROM pg_stat_activity
            WHERE datname = current_database() AND application_name = 'rollcall' ORDER BY pid";
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    };
    let before = sessions().await;
    for _ in 0..5 {
        let request = ExportMembersCsvRequest { parent: acme.name(), ..Default::default() };
        let mut chunks = server.members().export_members_csv(request).await.unwrap().into_inner();
        while chunks.message().await.unwrap().is_some() {}
    }
    let after = sessions().await;
    assert!(before.iter().all(|pid| after.contains(pid)), "{before:?} {after:?}");
    server.stop().await;
}

/// The number of expiring checks: fewer than the streams that a connection may have.
const EXPIRING: u64 = 200;

/// Returns a check of a member of `acme`, with a deadline.
fn expiring_check() -> Request<CheckEmailExportRequest> {
    let mut check = Request::new(check_in_store());
    check.set_timeout(DEADLINE);
    check
}

/// A check that is answered from the store, and not from memory.
fn check_in_store() -> CheckEmailExportRequest {
    let subject = Some(Subject::Member("organizations/acme/members/ada".to_owned()));
    CheckEmailExportRequest {
        parent: "organizations/acme".to_owned(),
        subject,
        fully_consistent: true,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_checks_send_nothing_and_their_statements_are_cancelled() {
    let (server, proxy) = TestServer::start_behind_proxy().await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    acme.sync(&[Member::new("ada", &["eng"])]).await;
    let before = proxy.bytes_passed(Direction::ToDatabase);
    for _ in 0..10 {
        server.email_export().check_email_export(check_in_store()).await.unwrap();
    }
    let check_bytes = (proxy.bytes_passed(Direction::ToDatabase) - before) / 10;

    let (client, blocked) = (server.database.client().await, BlockedSessions::of(&server.database).await);
    client.batch_execute("BEGIN; LOCK TABLE members IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let before = proxy.bytes_passed(Direction::ToDatabase);
    let calls: Vec<_> = (0..EXPIRING)
        .map(|_| {
            let mut checks = server.email_export();
            tokio::spawn(async move { checks.check_email_export(expiring_check()).await })
        })
        .collect();
    for call in calls {
        let status = call.await.unwrap().unwrap_err();
        assert!(is_expired(&status), "{status:?}");
    }
    let cancelled = async {
        while !blocked.pids().await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, cancelled).await.expect("the statements of the expired checks still wait");
    client.batch_execute("COMMIT").await.unwrap();
    for _ in 0..100 {
        server.email_export().check_email_export(check_in_store()).await.unwrap();
    }
    let sent = (proxy.bytes_passed(Direction::ToDatabase) - before) / check_bytes;
    assert!(sent < 100 + EXPIRING / 2, "the bytes of {sent} checks were sent");
    server.stop().await;
}
