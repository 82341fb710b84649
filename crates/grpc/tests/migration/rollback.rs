//! Rollback: it keeps the behaviour of every member, and may be too late.

use std::time::{Duration, SystemTime};

use prost_types::FieldMask;
use rollcall_proto::v1::{
    Assignment, CheckEmailExportResponse, DeleteAssignmentRequest, EmailExport, GetOrganizationRequest,
    Member as MemberMessage, Migration, MigrationState, MoveMembersRequest, Phase, Preview, UpdateAssignmentRequest,
    UpdateMemberSettingsRequest,
};
use rollcall_testkit::{Member, Org, TestServer, difference, dump, refused};

use super::{AUTOMATIC, NO, YES, legacy, migration, retry, roll_back};

const MEMBERS: [&str; 9] = ["agreed1", "agreed2", "away", "hand1", "hand2", "mixed1", "mixed2", "rest", "retired"];

/// Returns the answers for every member, for now and for long ago, without source and revision.
async fn answers(org: &Org<'_>) -> Vec<CheckEmailExportResponse> {
    let mut answers = Vec::new();
    for member in MEMBERS {
        for sent in [None, Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1))] {
            let answer = org.check(member, sent).await;
            answers.push(CheckEmailExportResponse { source: 0, revision: String::new(), age: None, ..answer });
        }
    }
    answers
}

async fn update(server: &TestServer, assignment: Assignment, path: &str) {
    let update_mask = Some(FieldMask { paths: vec![path.to_owned()] });
    let request = UpdateAssignmentRequest { assignment: Some(assignment), update_mask, ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
}

async fn edit(server: &TestServer, org: &Org<'_>, member: &str, value: EmailExport) {
    let member = MemberMessage { name: org.member(member), email_export: value.into(), ..Default::default() };
    let request = UpdateMemberSettingsRequest { member: Some(member), ..Default::default() };
    server.members().update_member_settings(request).await.unwrap();
}

async fn move_to(server: &TestServer, org: &Org<'_>, member: &str, assignment: &str) {
    let (members, assignment) = (vec![org.member(member)], org.assignment(assignment));
    let request = MoveMembersRequest { parent: org.name(), members, assignment, ..Default::default() };
    server.members().move_members(request).await.unwrap();
}

async fn phase(server: &TestServer, org: &Org<'_>) -> Phase {
    let request = GetOrganizationRequest { name: org.name(), ..Default::default() };
    server.organizations().get_organization(request).await.unwrap().into_inner().organization.unwrap().phase()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_changes_no_member_and_the_job_can_migrate_again() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    let before = answers(&org).await;
    let migrated = org.migrate().await;
    assert_eq!(answers(&org).await, before);

    let rows = dump(&server.database, None).await;
    let checked = roll_back(&server, &org, true).await.unwrap().into_inner();
    assert_eq!(difference(&rows, &dump(&server.database, None).await), None);
    let done = roll_back(&server, &org, false).await.unwrap().into_inner();
    let expected = Migration {
        name: migrated.name.clone(),
        state: MigrationState::RolledBack.into(),
        // The settings before and after are those of the migration's proof.
        proof: migrated.proof.clone(),
        update_time: done.migration.as_ref().unwrap().update_time,
        unmatched_legacy_settings: 1,
        ..Default::default()
    };
    assert_eq!(done.migration, Some(expected.clone()));
    assert_eq!((checked.preview, done.preview), (Some(Preview::default()), None));
    let checked = Migration { update_time: expected.update_time, ..checked.migration.unwrap() };
    assert_eq!(checked, expected);
    assert_eq!(migration(&server, &org).await, (expected.clone(), done.revision));

    assert_eq!((answers(&org).await, phase(&server, &org).await), (before.clone(), Phase::Legacy));
    for id in ["mixed", "agreed", "default"] {
        assert_eq!(org.get_assignment(id).await.email_export, 0, "{id}");
    }
    assert_eq!(org.get_member("agreed1").await.email_export, 0);
    // Legacy settings can be imported again, and the job skips the organization.
    org.import(&[("agreed1", false)]).await;
    assert!(!org.check("agreed1", None).await.export);
    org.import(&[("agreed1", true)]).await;
    org.run_job("settings-migration").await;
    assert_eq!(migration(&server, &org).await.0, expected);

    let pending = retry(&server, &org, false).await.unwrap().into_inner().migration.unwrap();
    assert_eq!((pending.state(), pending.proof), (MigrationState::Pending, None));
    let again = org.migrate().await;
    assert_eq!(Migration { update_time: migrated.update_time, ..again }, migrated);
    assert_eq!(answers(&org).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_recorded_for_every_member_and_in_the_audit() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    let client = server.database.client().await;
    let had = "SELECT id, email_export, email_export_source FROM members ORDER BY id";
    let read = async |sql: &str| -> Vec<[Option<String>; 3]> {
        client.query(sql, &[]).await.unwrap().iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect()
    };
    let before = read(had).await;
    roll_back(&server, &org, false).await.unwrap();
    let changes = "SELECT member_id, email_export_before, email_export_source_before FROM member_changes \
        WHERE cause = 'ROLLED_BACK' AND email_export_after IS NULL AND email_export_source_after IS NULL \
        AND revision = (SELECT max(revision) FROM audit_events) ORDER BY 1";
    assert_eq!((before.len(), read(changes).await), (MEMBERS.len(), before));
    let event =
        "SELECT method, members_changed::text, after ->> 'phase' FROM audit_events ORDER BY revision DESC LIMIT 1";
    assert_eq!(read(event).await[0].clone().map(Option::unwrap), ["RollBackMigration", "9", "LEGACY"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_too_late_after_any_chosen_value() {
    let too_late = |assignment: &str| {
        format!("FailedPrecondition MIGRATION_ROLLBACK_TOO_LATE assignment={assignment} organization=acme")
    };
    for how in ["updated", "updated to what it is", "created", "deleted"] {
        let server = TestServer::start().await;
        let org = legacy(&server).await;
        org.migrate().await;
        let chosen = |id: &str, value: EmailExport| Assignment {
            name: org.assignment(id),
            email_export: value.into(),
            ..Default::default()
        };
        let expected = match how {
            "updated" => {
                update(&server, chosen("mixed", YES), "email_export").await;
                update(&server, chosen("agreed", NO), "email_export").await;
                too_late("mixed")
            }
            "updated to what it is" => {
                update(&server, chosen("agreed", YES), "email_export").await;
                too_late("agreed")
            }
            _ => {
                org.assign("new", &["nobody"], AUTOMATIC, Some(YES)).await;
                if how == "deleted" {
                    let (name, resolve_members) = (org.assignment("new"), true);
                    let request = DeleteAssignmentRequest { name, resolve_members, ..Default::default() };
                    server.assignments().delete_assignment(request).await.unwrap();
                }
                too_late("new")
            }
        };
        let rows = dump(&server.database, None).await;
        for validate_only in [true, false] {
            assert_eq!(refused(roll_back(&server, &org, validate_only)).await, expected, "{how}");
        }
        assert_eq!(difference(&rows, &dump(&server.database, None).await), None, "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agreed_value_or_a_save_is_not_a_choice() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    let before = answers(&org).await;
    org.migrate().await;
    // The differing member leaves. Then the others agree, and a save makes their value the chosen value.
    move_to(&server, &org, "mixed1", "agreed").await;
    for id in ["mixed", "hand"] {
        let display_name = "Renamed".to_owned();
        update(&server, Assignment { name: org.assignment(id), display_name, ..Default::default() }, "display_name")
            .await;
    }
    assert_eq!(org.get_assignment("mixed").await.email_export(), NO);
    // A choice with `validate_only` is not a choice.
    let assignment = Some(Assignment { name: org.assignment("mixed"), email_export: YES.into(), ..Default::default() });
    let request = UpdateAssignmentRequest { assignment, validate_only: true, ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    roll_back(&server, &org, false).await.unwrap();
    let but_moved = |answers: Vec<CheckEmailExportResponse>| -> Vec<CheckEmailExportResponse> {
        answers.into_iter().map(|answer| CheckEmailExportResponse { assignment: String::new(), ..answer }).collect()
    };
    assert_eq!(but_moved(answers(&org).await), but_moved(before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_is_too_late_while_it_would_change_a_member() {
    let server = TestServer::start().await;
    let org = legacy(&server).await;
    org.migrate().await;
    let too_late = async |members: u32| {
        let expected = format!("FailedPrecondition MIGRATION_ROLLBACK_TOO_LATE members={members} organization=acme");
        for validate_only in [true, false] {
            assert_eq!(refused(roll_back(&server, &org, validate_only)).await, expected);
        }
    };
    edit(&server, &org, "hand2", YES).await;
    too_late(1).await;
    // An inactive member exports nothing now, but would export differently later.
    move_to(&server, &org, "away", "agreed").await;
    move_to(&server, &org, "retired", "quiet").await;
    too_late(1).await;
    move_to(&server, &org, "away", "default").await;
    too_late(2).await;
    // A new member with EXPORT has no legacy setting.
    let mut request = org.full_sync(&[Member::new("newcomer", &["agreed"])]);
    request.mode = rollcall_proto::v1::SyncMode::Delta.into();
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
    too_late(3).await;
    for (member, undone) in [("hand2", 2), ("away", 1)] {
        if member == "away" {
            move_to(&server, &org, member, "hand").await;
        }
        edit(&server, &org, member, NO).await;
        too_late(undone).await;
    }
    move_to(&server, &org, "newcomer", "hand").await;
    edit(&server, &org, "newcomer", NO).await;
    assert!(roll_back(&server, &org, true).await.is_ok());
    // Exporting again does not restore the start "always".
    edit(&server, &org, "hand1", NO).await;
    edit(&server, &org, "hand1", YES).await;
    too_late(1).await;
    edit(&server, &org, "hand1", NO).await;
    too_late(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollback_without_a_migration_is_refused() {
    let server = TestServer::start().await;
    let (old, new) = (legacy(&server).await, Org::create(&server, "new", Phase::Migrated).await);
    let refusals = [
        (old, "FailedPrecondition EMAIL_EXPORT_NOT_MIGRATED organization=acme"),
        (new, "FailedPrecondition MIGRATION_ROLLBACK_TOO_LATE organization=new"),
    ];
    for (org, expected) in refusals {
        assert_eq!(refused(roll_back(&server, &org, false)).await, expected);
    }
    let status = roll_back(&server, &new, false).await.unwrap_err();
    assert!(status.message().contains("created migrated"), "{status:?}");
    let expected = "FailedPrecondition EMAIL_EXPORT_ALREADY_MIGRATED organization=new";
    assert_eq!(refused(retry(&server, &new, false)).await, expected);
    assert_eq!(phase(&server, &old).await, Phase::Legacy);
}
