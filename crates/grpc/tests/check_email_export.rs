//! The question that other services ask before every export, before and after the migration, and
//! after a choice (product.md 4.7, 4.8, 7.5).

#![allow(clippy::unwrap_used)]
// An email is sent at a time of the sender's clock.
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
async fn nothing_is_retroactive_after_choosing_export() {
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
    // Without a time the question is about an email sent now.
    assert!(org.check("no", None).await.export);
    // Whoever exported before still exports the emails of then.
    let carried = org.check("yes", Some(minute_ago)).await;
    assert_eq!((carried.export, carried.export_since), (true, None));
    // A choice reaches inactive members, but they export nothing.
    assert_eq!(org.check("gone", None).await.reason(), EmailExportReason::MemberInactive);
}

#[tokio::test(flavor = "multi_thread")]
async fn choosing_the_same_value_again_does_not_move_the_start() {
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
async fn unknown_members_are_an_answer_and_bad_questions_an_error() {
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
            ask("organizations/none".to_owned(), Some(Subject::Email("a@b".to_owned()))),
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
async fn an_address_is_the_active_members_and_else_the_inactive_ones() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    assert_eq!(org.check("GONE", None).await.reason(), EmailExportReason::MemberInactive);
    // Somebody new takes the address that the inactive member yields.
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
