//! `CheckEmailExport`, which other services call before every export: before and after the migration, and after a
//! value is chosen (product.md 4.7, 4.8, 7.5).

#![allow(clippy::unwrap_used)]
// The sent time of an email comes from the clock of its sender.
#![allow(clippy::disallowed_methods)]

use std::time::{Duration, SystemTime};

use rollcall_proto::v1::{
    Assignment, CheckEmailExportRequest, EmailExport, EmailExportReason, EmailExportSource, Phase,
    UpdateAssignmentRequest, UpdateMode, check_email_export_request::Subject,
};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tonic::Code;

const MEMBERS: [Member; 5] = [
    Member::new("yes", &["eng"]),
    Member::new("no", &["eng"]),
    Member::new("never", &["eng"]),
    Member::new("gone", &["eng"]).inactive(),
    Member::new("loner", &[]),
];

async fn legacy(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    org.sync(&MEMBERS).await;
    org.assign("engineering", &["eng"], UpdateMode::AutomaticUpdates, None).await;
    org.import(&[("yes", true), ("no", false), ("gone", true), ("loner", true)]).await;
    org
}

async fn choose(server: &TestServer, org: &Org<'_>, value: EmailExport) {
    let name = org.assignment("engineering");
    let assignment = Some(Assignment { name, email_export: value.into(), ..Default::default() });
    let request = UpdateAssignmentRequest { assignment, ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_changes_no_answer() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    let mut before = Vec::new();
    for member in MEMBERS {
        for sent in [None, Some(long_ago), Some(SystemTime::now())] {
            let answer = org.check(member.id, sent).await;
            assert_eq!(answer.source(), EmailExportSource::Legacy);
            before.push((member.id, sent, answer.export, answer.reason(), answer.export_since));
        }
    }
    assert_eq!(before.iter().filter(|answer| answer.2).count(), 6, "yes and loner, three times each");

    let migration = org.migrate().await;
    assert_eq!(migration.proof.unwrap().members_compared, 5);
    for (member, sent, export, why, since) in before {
        let answer = org.check(member, sent).await;
        assert_eq!(answer.source(), EmailExportSource::Migration);
        assert_eq!((answer.export, answer.reason(), answer.export_since), (export, why, since), "{member} {sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_export_is_not_retroactive() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    choose(&server, &org, EmailExport::Export).await;

    let minute_ago = SystemTime::now() - Duration::from_secs(60);
    let old = org.check("no", Some(minute_ago)).await;
    assert_eq!((old.export, old.reason()), (false, EmailExportReason::SentBeforeExportWasEnabled));
    let new = org.check("no", Some(SystemTime::now())).await;
    assert_eq!((new.export, new.reason()), (true, EmailExportReason::Exported));
    assert_eq!(new.source(), EmailExportSource::Assignment);
    // A request without a time concerns an email sent now.
    assert!(org.check("no", None).await.export);
    // A member who exported before still exports earlier emails.
    let carried = org.check("yes", Some(minute_ago)).await;
    assert_eq!((carried.export, carried.export_since), (true, None));
    // A chosen value applies to inactive members, but they export nothing.
    assert_eq!(org.check("gone", None).await.reason(), EmailExportReason::MemberInactive);
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_the_same_value_again_keeps_the_start() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    choose(&server, &org, EmailExport::Export).await;
    let first = org.check("no", None).await.export_since;
    choose(&server, &org, EmailExport::Export).await;
    assert_eq!(org.check("no", None).await.export_since, first);
    choose(&server, &org, EmailExport::DoNotExport).await;
    choose(&server, &org, EmailExport::Export).await;
    let again = org.check("no", None).await.export_since.unwrap();
    let first = first.unwrap();
    assert!((again.seconds, again.nanos) > (first.seconds, first.nanos));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_do_not_export_nothing_is_exported() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    choose(&server, &org, EmailExport::DoNotExport).await;
    for member in ["yes", "no", "never"] {
        for sent in [None, Some(SystemTime::UNIX_EPOCH), Some(SystemTime::now())] {
            let answer = org.check(member, sent).await;
            let expected = (false, EmailExportReason::SettingIsDoNotExport);
            assert_eq!((answer.export, answer.reason()), expected, "{member} {sent:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_member_is_an_answer_and_an_invalid_request_is_an_error() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    let answer = org.check("stranger", None).await;
    assert_eq!((answer.export, answer.reason()), (false, EmailExportReason::MemberUnknown));
    assert_eq!(answer.assignment, "");

    let ask =
        |parent: String, subject: Option<Subject>| CheckEmailExportRequest { parent, subject, ..Default::default() };
    let elsewhere = Subject::Member("organizations/other/members/yes".to_owned());
    let cases = [
        (
            "no such organization",
            ask("organizations/none".to_owned(), Some(Subject::Email("a@b.example".to_owned()))),
            Code::NotFound,
            "ORGANIZATION_NOT_FOUND",
        ),
        ("no subject", ask(org.name(), None), Code::InvalidArgument, "INVALID_REQUEST"),
        (
            "not an address",
            ask(org.name(), Some(Subject::Email("nobody".to_owned()))),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        ),
        (
            "two addresses",
            ask(org.name(), Some(Subject::Email("yes@acme.example,no@acme.example".to_owned()))),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        ),
        (
            "a member of another organization",
            ask(org.name(), Some(elsewhere)),
            Code::InvalidArgument,
            "INVALID_REQUEST",
        ),
    ];
    for (name, request, code, why) in cases {
        let status = server.email_export().check_email_export(request).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_active_member_holds_an_address_before_an_inactive_one() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    assert_eq!(org.check("GONE", None).await.reason(), EmailExportReason::MemberInactive);
    // A new member takes the address of the inactive member.
    let mut heir = org.full_sync(&[Member::new("heir", &["eng"])]);
    heir.mode = rollcall_proto::v1::SyncMode::Delta.into();
    heir.members[0].email = org.email("gone");
    server.directory().sync_directory(tokio_stream::once(heir)).await.unwrap();
    let answer = org.check("gone", None).await;
    assert_eq!(
        (answer.reason(), answer.source()),
        (EmailExportReason::SettingIsDoNotExport, EmailExportSource::Assignment)
    );
}
