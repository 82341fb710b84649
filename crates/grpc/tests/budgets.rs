//! The budgets of calls: a call beyond a limit is refused at once, one organization gets only a part of each limit, and
//! everything that a call has taken is given back.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

use std::{collections::BTreeSet, time::Duration};

use rollcall_grpc::{CallLimits, CallUse};
use rollcall_proto::v1::{
    DirectoryMember, ExportMembersCsvRequest, ExportMembersCsvResponse, GetAssignmentRequest, ListGroupsRequest,
    ListOrganizationsRequest, MemberStatus, Phase, SyncDirectoryRequest, SyncMode,
};
use rollcall_testkit::{BlockedSessions, Member, Org, TestServer, reason, refused};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Response, Status};
use tonic_types::StatusExt as _;

/// The time limit of an operation that must complete.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Starts a call that waits as long as the table of groups is locked.
fn start_listing(server: &TestServer, parent: String) -> JoinHandle<Result<(), Status>> {
    let mut directory = server.directory();
    let request = ListGroupsRequest { parent, ..Default::default() };
    tokio::spawn(async move { directory.list_groups(request).await.map(drop) })
}

/// Waits until the calls use what is expected.
async fn wait_for_use(server: &TestServer, expected: impl Fn(CallUse) -> bool) {
    wait_until(|| expected(server.calls.usage())).await;
}

/// Waits until a condition holds.
async fn wait_until(holds: impl Fn() -> bool) {
    let reached = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(TIMEOUT, reached).await.expect("the condition does not come to hold");
}

/// Checks that a call was refused by a budget, and whether repeating it is advised.
fn assert_overloaded(status: &Status, advises_retry: bool) {
    assert_eq!((status.code(), &*reason(status)), (Code::ResourceExhausted, "OVERLOADED"), "{status:?}");
    assert_eq!(status.get_error_details().retry_info().is_some(), advises_retry, "{status:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_organization_gets_a_part_of_the_calls_and_of_the_connections() {
    let server = TestServer::start_with_calls(CallLimits { reads: 30, ..CallLimits::default() }).await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    let beta = Org::create(&server, "beta", Phase::Migrated).await;
    let client = server.database.client().await;
    client.batch_execute("BEGIN; LOCK TABLE groups IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let mut waiting: Vec<_> = (0..15).map(|_| start_listing(&server, acme.name())).collect();
    wait_for_use(&server, |used| used.reads == 15).await;
    let status = start_listing(&server, acme.name()).await.unwrap().unwrap_err();
    assert_overloaded(&status, true);
    assert_eq!(status.get_error_details().error_info().unwrap().metadata["organization"], "acme");

    // The reads that wait leave connections for the other organization, which is not at its limit.
    let default = GetAssignmentRequest { name: beta.assignment("default"), ..Default::default() };
    server.assignments().get_assignment(default).await.unwrap();
    let blocked = BlockedSessions::of(&server.database).await;
    assert_eq!((blocked.pids().await.len(), server.app.db().connections_in_use().reads), (4, 4));

    waiting.extend((0..15).map(|_| start_listing(&server, beta.name())));
    wait_for_use(&server, |used| used.reads == 30).await;
    let mut organizations = server.organizations();
    let status = organizations.list_organizations(ListOrganizationsRequest::default()).await.unwrap_err();
    assert_overloaded(&status, true);
    assert!(status.get_error_details().error_info().unwrap().metadata.is_empty(), "{status:?}");
    // Checks have their own budget.
    let unknown = acme.check("nobody", None).await;
    assert!(!unknown.export);

    client.batch_execute("COMMIT").await.unwrap();
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    wait_for_use(&server, |used| used == CallUse::default()).await;
    server.stop().await;
}

/// Starts a sync whose first message never comes.
fn start_silent_sync(server: &TestServer) -> (mpsc::Sender<SyncDirectoryRequest>, JoinHandle<Result<(), Status>>) {
    let (sender, messages) = mpsc::channel(1);
    let mut directory = server.directory();
    let call = async move { directory.sync_directory(ReceiverStream::new(messages)).await.map(drop) };
    (sender, tokio::spawn(call))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_beyond_the_servers_limit_is_refused_before_its_body_is_read() {
    let server = TestServer::start_with_calls(CallLimits { bulk: 1, ..CallLimits::default() }).await;
    let (first, running) = start_silent_sync(&server);
    wait_for_use(&server, |used| used.bulk == 1).await;
    let (_second, beyond) = start_silent_sync(&server);
    let status = tokio::time::timeout(TIMEOUT, beyond).await.expect("it waits for the body").unwrap().unwrap_err();
    assert_overloaded(&status, true);
    drop(first);
    let ended = running.await.unwrap().unwrap_err();
    assert_eq!(ended.code(), Code::InvalidArgument, "{ended:?}");
    wait_for_use(&server, |used| used == CallUse::default()).await;
    server.stop().await;
}

/// A message of about this many bytes.
fn sync_of_bytes(org: &Org<'_>, bytes: usize) -> SyncDirectoryRequest {
    let member = DirectoryMember {
        member: "ada".to_owned(),
        email: "ada@acme.example".to_owned(),
        job_title: "t".repeat(bytes),
        status: MemberStatus::Active.into(),
        ..Default::default()
    };
    let members = vec![member];
    SyncDirectoryRequest { parent: org.name(), mode: SyncMode::Delta.into(), members, ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_reserve_memory_and_give_it_back() {
    // An organization may reserve 10 MB, so its sync may have 1 MB.
    let server = TestServer::start_with_calls(CallLimits { memory: 20_000_000, ..CallLimits::default() }).await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    let sync = async |messages: Vec<SyncDirectoryRequest>| {
        server.directory().sync_directory(tokio_stream::iter(messages)).await.map(Response::into_inner)
    };
    let rejected = sync(vec![sync_of_bytes(&acme, 900_000)]).await.unwrap();
    assert_eq!(rejected.rejected_count, 1, "a title is too long, but the memory suffices");
    let part = SyncDirectoryRequest { parent: String::new(), mode: 0, ..sync_of_bytes(&acme, 600_000) };
    let status = sync(vec![sync_of_bytes(&acme, 600_000), part.clone()]).await.unwrap_err();
    assert_overloaded(&status, false);

    let (sender, messages) = mpsc::channel(1);
    let mut directory = server.directory();
    let running = tokio::spawn(async move { directory.sync_directory(ReceiverStream::new(messages)).await });
    sender.send(sync_of_bytes(&acme, 600_000)).await.unwrap();
    wait_for_use(&server, |used| used.memory > 600_000 * 10).await;
    let status = sync(vec![sync_of_bytes(&acme, 600_000)]).await.unwrap_err();
    assert_overloaded(&status, true);
    drop(sender);
    running.await.unwrap().unwrap();
    wait_for_use(&server, |used| used == CallUse::default()).await;
    server.stop().await;
}

/// Reads an export to its end, or to its error.
async fn read_export(
    server: &TestServer,
    request: ExportMembersCsvRequest,
) -> (Vec<ExportMembersCsvResponse>, Option<Status>) {
    let mut stream = server.members().export_members_csv(request).await.unwrap().into_inner();
    let mut pieces = Vec::new();
    loop {
        match stream.message().await {
            Ok(Some(piece)) => pieces.push(piece),
            Ok(None) => return (pieces, None),
            Err(status) => return (pieces, Some(status)),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_export_is_resumed_without_a_gap() {
    let server = TestServer::start_with_calls(CallLimits { stream_time: Duration::from_secs(2), ..Default::default() });
    let server = server.await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    acme.sync_large().await;
    let ids = (0..10_000).map(|number| format!("member-{number}"));
    let ids: BTreeSet<String> = ids.collect();
    let whole = ExportMembersCsvRequest { parent: acme.name(), ..Default::default() };
    let mut unread = server.members().export_members_csv(whole.clone()).await.unwrap().into_inner();
    // Nothing is read, so the export ends at its time limit and gives its place back.
    wait_for_use(&server, |used| used.streams == 0).await;
    wait_until(|| server.app.db().connections_in_use().streams == 0).await;
    let mut pieces = Vec::new();
    let ended = loop {
        match unread.message().await {
            Ok(piece) => pieces.push(piece.expect("the export ends with an error")),
            Err(status) => break status,
        }
    };
    assert_eq!((ended.code(), &*reason(&ended)), (Code::DeadlineExceeded, "STREAM_TIME_LIMIT"));

    let mut resumed = 0;
    loop {
        let last = pieces.last().unwrap().clone();
        let request = ExportMembersCsvRequest { after: last.last_member, revision: last.revision, ..whole.clone() };
        let (more, error) = read_export(&server, request).await;
        pieces.extend(more);
        resumed += 1;
        match error {
            Some(status) => assert_eq!(&*reason(&status), "STREAM_TIME_LIMIT"),
            None => break,
        }
    }
    let text = pieces.iter().flat_map(|piece| piece.data.clone()).collect();
    let text = String::from_utf8(text).unwrap();
    let found: Vec<&str> = text.lines().skip(1).map(|row| row.split(',').nth(1).unwrap()).collect();
    assert!(found.iter().eq(&ids), "resumed {resumed} times, {} rows", found.len());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_resumed_with_both_positions_of_the_same_revision() {
    let server = TestServer::start().await;
    let acme = Org::create(&server, "acme", Phase::Migrated).await;
    acme.sync(&[Member::new("ada", &["eng"]), Member::new("bob", &["eng"])]).await;
    let whole = ExportMembersCsvRequest { parent: acme.name(), ..Default::default() };
    let (pieces, _) = read_export(&server, whole.clone()).await;
    let [piece] = &pieces[..] else { panic!("one piece is expected, not {}", pieces.len()) };
    assert_eq!(piece.last_member, "organizations/acme/members/bob");

    let after_ada = ExportMembersCsvRequest {
        after: "organizations/acme/members/ada".to_owned(),
        revision: piece.revision.clone(),
        ..whole.clone()
    };
    let (rest, _) = read_export(&server, after_ada.clone()).await;
    let rest: Vec<u8> = rest.into_iter().flat_map(|piece| piece.data).collect();
    assert!(piece.data.ends_with(&rest) && rest.starts_with(b"acme,bob,"), "{:?}", String::from_utf8(rest));
    let after_bob = ExportMembersCsvRequest { after: piece.last_member.clone(), ..after_ada.clone() };
    let (nothing, error) = read_export(&server, after_bob).await;
    assert!(error.is_none() && nothing.iter().all(|piece| piece.data.is_empty()));

    let refuse = async |request: ExportMembersCsvRequest| refused(server.members().export_members_csv(request)).await;
    let half = |field: &str| format!("InvalidArgument INVALID_REQUEST {field}");
    let without_revision = ExportMembersCsvRequest { revision: String::new(), ..after_ada.clone() };
    assert_eq!(refuse(without_revision).await, half("after"));
    let without_member = ExportMembersCsvRequest { after: String::new(), ..after_ada.clone() };
    assert_eq!(refuse(without_member).await, half("after"));
    let of_another = ExportMembersCsvRequest { revision: "bogus".to_owned(), ..after_ada.clone() };
    assert_eq!(refuse(of_another).await, half("revision"));
    acme.sync(&[Member::new("cid", &["eng"])]).await;
    assert_eq!(refuse(after_ada).await, "Aborted ORGANIZATION_CHANGED organization=acme");
    server.stop().await;
}
