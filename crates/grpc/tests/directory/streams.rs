//! The stream of a sync: options, large streams, large messages, and interrupted streams.

use prost::Message as _;
use rollcall_proto::v1::{DirectoryGroup, DirectoryMember, Phase, SyncDirectoryRequest};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tokio::sync::oneshot;
use tokio_stream::StreamExt as _;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::{EVERYBODY, MEMBERS, acme, delta, everybody, groups, memberships, revision, sync, take};

/// The default message limit of gRPC.
const MESSAGE_MAX: usize = 4 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn options_are_allowed_only_in_the_first_message() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = (everybody(&server, &org).await, revision(&server, &org).await);
    let whole = org.full_sync(&MEMBERS[..1]);
    let second = SyncDirectoryRequest::default;
    let cases = [
        (vec![], "parent,mode"),
        (vec![SyncDirectoryRequest { parent: String::new(), ..whole.clone() }], "parent"),
        (vec![SyncDirectoryRequest { mode: 0, ..whole.clone() }], "mode"),
        (vec![SyncDirectoryRequest { mode: 9, ..whole.clone() }], "mode"),
        (
            vec![SyncDirectoryRequest { removed_memberships: memberships(&[("eng", "b")]), ..whole.clone() }],
            "removed_memberships",
        ),
        (vec![whole.clone(), SyncDirectoryRequest { parent: org.name(), ..second() }], "parent"),
        (vec![whole.clone(), SyncDirectoryRequest { mode: whole.mode, ..second() }], "mode"),
        (vec![whole.clone(), SyncDirectoryRequest { allow_mass_change: true, ..second() }], "allow_mass_change"),
        (vec![whole.clone(), SyncDirectoryRequest { validate_only: true, ..second() }], "validate_only"),
    ];
    for (messages, expected) in cases {
        let status = sync(&server, tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"), "{expected}");
        let details = status.get_error_details();
        let fields: Vec<&str> =
            details.bad_request().unwrap().field_violations.iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields.join(","), expected);
    }
    assert_eq!((everybody(&server, &org).await, revision(&server, &org).await), before);
    // Any message may contain rows, in any order.
    let (first, rest) =
        (SyncDirectoryRequest { members: vec![], groups: vec![], ..org.full_sync(&MEMBERS) }, org.full_sync(&MEMBERS));
    let rest = SyncDirectoryRequest { parent: String::new(), mode: 0, memberships: vec![], ..rest };
    let response = sync(&server, tokio_stream::iter([first, rest])).await.unwrap();
    assert_eq!((response.rejected_count, response.revision), (0, before.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_stream_applies_nothing() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let first = org.full_sync(&[Member::new("ghost", &["eng"])]);
    let (sent, sending) = oneshot::channel();
    let mut sent = Some(sent);
    let unfinished = tokio_stream::once(first).chain(tokio_stream::pending()).map(move |message| {
        sent.take().unwrap().send(()).unwrap();
        message
    });
    tokio::select! {
        answer = sync(&server, unfinished) => panic!("{answer:?}"),
        begun = sending => begun.unwrap(),
    }
    let newcomer = SyncDirectoryRequest { members: vec![org.row(&Member::new("e", &[]))], ..delta(&org) };
    take(&server, newcomer).await;
    assert_eq!(everybody(&server, &org).await, [&EVERYBODY[..], &["e () default"]].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_ten_megabytes_is_one_sync() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    let member = |n: usize| DirectoryMember {
        member: format!("{n:05}"),
        email: format!("{n}@acme.example"),
        given_name: "日".repeat(200),
        family_name: "本".repeat(200),
        job_title: "語".repeat(200),
        ..org.row(&Member::new("", &[]))
    };
    let options = SyncDirectoryRequest { members: vec![], ..org.full_sync(&[]) };
    let rows = (0..6).map(|part| SyncDirectoryRequest {
        members: (part * 1_000..(part + 1) * 1_000).map(member).collect(),
        ..Default::default()
    });
    let messages: Vec<SyncDirectoryRequest> = [options].into_iter().chain(rows).collect();
    let bytes: usize = messages.iter().map(prost::Message::encoded_len).sum();
    assert!(bytes > 10_000_000, "{bytes}");
    let synced = sync(&server, tokio_stream::iter(messages.clone())).await.unwrap();
    assert_eq!((synced.counts.unwrap().members_created, synced.rejected_count), (6_000, 0));
    let again = sync(&server, tokio_stream::iter(messages)).await.unwrap();
    assert_eq!((again.counts.unwrap(), again.revision), (Default::default(), synced.revision));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_may_be_as_large_as_the_limit() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let before = (groups(&server, &org).await, revision(&server, &org).await);
    let row = |n: usize| DirectoryGroup { group: format!("{n:05}"), display_name: "日".repeat(255) };
    let mut message = delta(&org);
    while message.encoded_len() <= MESSAGE_MAX {
        message.groups.push(row(message.groups.len()));
    }
    let later = SyncDirectoryRequest { parent: String::new(), mode: 0, ..message.clone() };
    let later = SyncDirectoryRequest { groups: [later.groups.clone(), vec![row(99_999)]].concat(), ..later };
    for messages in [vec![message.clone()], vec![org.full_sync(&MEMBERS[..1]), later]] {
        let status = sync(&server, tokio_stream::iter(messages)).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
        assert!(status.message().contains("larger than 4 MiB"), "{status:?}");
    }
    assert_eq!((groups(&server, &org).await, revision(&server, &org).await), before);

    message.groups.pop();
    let count = i32::try_from(message.groups.len()).unwrap();
    assert!(message.encoded_len() > MESSAGE_MAX - 1_000);
    assert_eq!(take(&server, message).await.counts.unwrap().groups_changed, count);
}
