//! Saving assignments through the API: saves of a mixed assignment, chosen values, and locked members (product.md 3
//! and 4).

#![allow(clippy::unwrap_used)]

use rollcall_proto::v1::{
    Assignment, EmailExport, EmailExportSource, EmailExportState, Member as MemberMessage, Phase,
    UpdateAssignmentRequest, UpdateMemberSettingsRequest, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// A migrated organization: an automatic assignment with two members who differ, and a manual one with one member.
async fn mixed(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Legacy).await;
    let members = [
        Member::new("yes", &["eng"]),
        Member::new("no", &["eng"]),
        Member::new("gone", &["eng"]).inactive(),
        Member::new("hand", &["ops"]),
    ];
    org.sync(&members).await;
    org.assign("engineering", &["eng"], UpdateMode::AutomaticUpdates, None).await;
    org.assign("operations", &["ops"], UpdateMode::ManualEditing, None).await;
    org.import(&[("yes", true), ("gone", true), ("hand", true)]).await;
    let migration = org.migrate().await;
    assert_eq!(migration.proof.unwrap().differences, 0);
    org
}

async fn update(server: &TestServer, assignment: Assignment) -> Result<Assignment, Status> {
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    let response = server.assignments().update_assignment(request).await?;
    Ok(response.into_inner().assignment.unwrap())
}

fn rename(org: &Org<'_>) -> Assignment {
    Assignment { name: org.assignment("engineering"), display_name: "Makers".to_owned(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn renaming_an_automatic_mixed_assignment_is_refused_with_counts() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let before = org.get_assignment("engineering").await;
    assert_eq!(before.email_export_summary.unwrap().state(), EmailExportState::Mixed);

    let status = update(&server, rename(&org)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "EMAIL_EXPORT_UNRESOLVED"));
    let metadata = status.get_error_details().error_info().unwrap().metadata.clone();
    assert_eq!((metadata["exporting"].as_str(), metadata["not_exporting"].as_str()), ("1", "1"));
    assert_eq!(org.get_assignment("engineering").await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_chosen_in_the_same_save_applies_to_all_members() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let saved = update(&server, Assignment { email_export: EmailExport::Export.into(), ..rename(&org) }).await.unwrap();
    assert_eq!(saved.display_name, "Makers");
    let summary = saved.email_export_summary.unwrap();
    assert_eq!((summary.state(), summary.exporting, summary.not_exporting), (EmailExportState::Export, 2, 0));
    for member in ["yes", "no", "gone"] {
        assert_eq!(org.get_member(member).await.email_export(), EmailExport::Export, "{member}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mixed_assignment_can_switch_to_manual_and_keeps_the_settings_of_its_members() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let manual = Assignment { update_mode: UpdateMode::ManualEditing.into(), ..rename(&org) };
    let saved = update(&server, manual).await.unwrap();
    let summary = saved.email_export_summary.unwrap();
    assert_eq!((summary.state(), summary.action_required), (EmailExportState::Mixed, false));
    assert_eq!(org.get_member("yes").await.email_export(), EmailExport::Export);
    assert_eq!(org.get_member("no").await.email_export(), EmailExport::DoNotExport);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_can_be_edited_only_in_a_manual_assignment() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let edit = |member: &str| UpdateMemberSettingsRequest {
        member: Some(MemberMessage {
            name: org.member(member),
            email_export: EmailExport::DoNotExport.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let status = server.members().update_member_settings(edit("yes")).await.unwrap_err();
    assert_eq!(reason(&status), "MEMBER_LOCKED_BY_ASSIGNMENT");
    let edited = server.members().update_member_settings(edit("hand")).await.unwrap().into_inner().member.unwrap();
    assert_eq!(edited.email_export(), EmailExport::DoNotExport);
    assert_eq!(edited.email_export_source(), EmailExportSource::EditedByHand);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_the_identity_provider_cannot_be_edited() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let read = org.get_member("hand").await;
    let changed = MemberMessage { job_title: "Chief".to_owned(), ..read.clone() };
    let request = |member| UpdateMemberSettingsRequest { member: Some(member), ..Default::default() };
    let status = server.members().update_member_settings(request(changed)).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "FIELD_OWNED_BY_IDP"));
    // A read-modify-write that does not change the field is accepted, and keeps its value.
    let same = server.members().update_member_settings(request(read.clone())).await.unwrap().into_inner();
    assert_eq!(same.member.unwrap().email_export_source(), read.email_export_source());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_modify_write_of_a_manual_assignment_keeps_edits_by_hand() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let request = UpdateMemberSettingsRequest {
        member: Some(MemberMessage {
            name: org.member("hand"),
            email_export: EmailExport::DoNotExport.into(),
            ..Default::default()
        }),
        ..Default::default()
    };
    server.members().update_member_settings(request).await.unwrap();
    let mut read = org.get_assignment("operations").await;
    assert_eq!(read.email_export(), EmailExport::Export);
    read.display_name = "Ops".to_owned();
    update(&server, read.clone()).await.unwrap();
    assert_eq!(org.get_member("hand").await.email_export(), EmailExport::DoNotExport);
    // A mask that names the field chooses the value, even if it equals the stored one.
    let mask = prost_types::FieldMask { paths: vec!["emailExport".to_owned()] };
    let etag = String::new();
    let assignment = Some(Assignment { etag, ..read });
    let request = UpdateAssignmentRequest { assignment, update_mask: Some(mask), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    assert_eq!(org.get_member("hand").await.email_export(), EmailExport::Export);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stale_etag_is_refused_and_validate_only_writes_nothing() {
    let server = TestServer::start().await;
    let org = mixed(&server).await;
    let read = org.get_assignment("engineering").await;
    let choose = Assignment { email_export: EmailExport::Export.into(), ..rename(&org) };
    let request =
        UpdateAssignmentRequest { assignment: Some(choose.clone()), validate_only: true, ..Default::default() };
    let response = server.assignments().update_assignment(request).await.unwrap().into_inner();
    let preview = response.preview.unwrap();
    assert_eq!((preview.flips_to_export, preview.assignment_changes, preview.sample.len()), (1, 0, 3));
    assert_eq!(org.get_assignment("engineering").await, read);

    update(&server, Assignment { etag: read.etag.clone(), ..choose.clone() }).await.unwrap();
    let status = update(&server, Assignment { etag: read.etag, ..choose }).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Aborted, "STALE_ETAG"));
}
