//! A preview writes nothing and predicts the change.

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DataCapture, DeleteAssignmentRequest, EmailExport, Member as MemberMessage,
    MemberChange, MoveAssignmentRequest, Preview, Settings, UpdateAssignmentRequest,
};
use rollcall_testkit::TestServer;

use crate::{AUTOMATIC, DO_NOT_EXPORT, acme, at, delete, everybody, list, move_to};

/// Returns the difference between two states in the format of a preview.
pub(crate) fn difference(before: &[MemberMessage], after: &[MemberMessage]) -> Preview {
    let mut found = Preview::default();
    for (before, after) in before.iter().zip(after) {
        let change = MemberChange {
            member: after.name.clone(),
            assignment_before: before.assignment.clone(),
            assignment_after: after.assignment.clone(),
            email_export_before: before.email_export,
            email_export_after: after.email_export,
            settings_change: before.settings != after.settings,
        };
        let flips = before.email_export != after.email_export;
        found.assignment_changes += i32::from(before.assignment != after.assignment);
        found.flips_to_export += i32::from(flips && after.email_export() == EmailExport::Export);
        found.flips_to_do_not_export += i32::from(flips && after.email_export() == EmailExport::DoNotExport);
        found.settings_changes += i32::from(change.settings_change);
        found.sample.extend((before != after).then_some(change));
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_writes_nothing_and_predicts_the_change() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let mut create = at(&org, "engineering", &["eng"], 1);
    let capture = Some(DataCapture { telephony_calls_imported: Some(true), ..Default::default() });
    create.assignment.as_mut().unwrap().settings = Some(Settings { data_capture: capture, ..Default::default() });
    let (moved, deleted) = (move_to(&org, "operations", 1), delete(&org, "engineering", true));
    let mut seen = Vec::new();
    for step in ["create", "move", "delete"] {
        let call = async |validate_only: bool| match step {
            "create" => {
                let request = CreateAssignmentRequest { validate_only, ..create.clone() };
                server.assignments().create_assignment(request).await.unwrap().into_inner().preview
            }
            "move" => {
                let request = MoveAssignmentRequest { validate_only, ..moved.clone() };
                server.assignments().move_assignment(request).await.unwrap().into_inner().preview
            }
            _ => {
                let request = DeleteAssignmentRequest { validate_only, ..deleted.clone() };
                server.assignments().delete_assignment(request).await.unwrap().into_inner().preview
            }
        };
        let (before, listed) = (everybody(&server, &org).await, list(&server, &org).await);
        let preview = call(true).await.unwrap();
        assert_eq!((&everybody(&server, &org).await, &list(&server, &org).await), (&before, &listed), "{step}");
        assert_eq!(call(false).await, None);
        assert_eq!(preview, difference(&before, &everybody(&server, &org).await), "{step}");
        seen.push((preview.assignment_changes, preview.flips_to_export, preview.flips_to_do_not_export));
    }
    assert_eq!(seen, [(3, 3, 0), (1, 0, 1), (2, 0, 2)]);
}

/// Returns an assignment without the fields that a write sets.
fn unwritten(assignment: Option<Assignment>) -> Assignment {
    let (uid, etag) = (String::new(), String::new());
    Assignment { uid, etag, create_time: None, update_time: None, ..assignment.unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_returns_the_changed_assignment_with_its_member_counts() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let create = |id: &str, validate_only| CreateAssignmentRequest { validate_only, ..at(&org, id, &["eng"], 1) };
    for id in ["first", "second"] {
        let preview = server.assignments().create_assignment(create(id, true)).await.unwrap().into_inner();
        let made = server.assignments().create_assignment(create(id, false)).await.unwrap().into_inner();
        let preview = preview.assignment.unwrap();
        assert_eq!((preview.uid.as_str(), preview.etag.as_str(), &preview.create_time), ("", "", &None));
        assert_eq!(preview, unwritten(made.assignment.clone()), "create");
        assert_eq!(made.assignment.unwrap().member_count, 3);
    }
    for position in [2, 1] {
        let request = |validate_only| MoveAssignmentRequest { validate_only, ..move_to(&org, "second", position) };
        let preview = server.assignments().move_assignment(request(true)).await.unwrap().into_inner().assignment;
        let made = server.assignments().move_assignment(request(false)).await.unwrap().into_inner().assignment;
        assert_eq!(preview, made, "move to {position}");
    }
    let assignment = Assignment {
        name: org.assignment("second"),
        groups: vec![org.group("ops"), org.group("free")],
        email_export: EmailExport::DoNotExport.into(),
        ..Default::default()
    };
    let request = |validate_only| UpdateAssignmentRequest {
        assignment: Some(assignment.clone()),
        validate_only,
        ..Default::default()
    };
    let preview = server.assignments().update_assignment(request(true)).await.unwrap().into_inner().assignment;
    let made = server.assignments().update_assignment(request(false)).await.unwrap().into_inner().assignment;
    assert_eq!(unwritten(preview), unwritten(made.clone()), "update");
    assert_eq!(made.unwrap().email_export_summary.unwrap().not_exporting, 3);
}
