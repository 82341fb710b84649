//! All violations are reported together: first those of the request alone, then those of the catalog and the phase.

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DataCapture, Settings, UpdateAssignmentRequest, WorkspacePermission,
};
use rollcall_testkit::{Org, TestServer};
use tonic::{Response, Status};
use tonic_types::StatusExt as _;

use crate::{AUTOMATIC, EXPORT, acme, at};

/// Returns the sorted fields of the violations of a refused call.
async fn fields<T>(call: impl Future<Output = Result<Response<T>, Status>>) -> Vec<String> {
    let status = call.await.err().unwrap();
    let details = status.get_error_details();
    let mut fields: Vec<String> =
        details.bad_request().unwrap().field_violations.iter().map(|violation| violation.field.clone()).collect();
    fields.sort_unstable();
    fields
}

/// Settings that are invalid by themselves and unknown to the catalog.
fn bad_settings() -> Settings {
    let permission = |profile: &str| WorkspacePermission { workspace: "emea".to_owned(), profile: profile.to_owned() };
    Settings {
        seats: vec!["gong".to_owned(), "gong".to_owned()],
        home_workspace: Some("moon".to_owned()),
        permissions: vec![permission("rep"), permission("boss"), permission("rep")],
        data_capture: Some(DataCapture {
            emails_imported: Some(true),
            prevent_email_import: Some(true),
            ..Default::default()
        }),
    }
}

/// An assignment in which every field is invalid.
fn bad_assignment(org: &Org<'_>) -> Assignment {
    let groups = [org.group("eng"), "eng".to_owned(), org.group("eng"), "organizations/other/groups/eng".to_owned()];
    Assignment {
        display_name: "x".repeat(201),
        groups: groups.into(),
        update_mode: 7,
        settings: Some(bad_settings()),
        email_export: 7,
        ..Default::default()
    }
}

const BAD_VALUES: [&str; 10] = [
    "assignment.display_name",
    "assignment.email_export",
    "assignment.groups[1]",
    "assignment.groups[2]",
    "assignment.groups[3]",
    "assignment.settings.data_capture.prevent_email_import",
    "assignment.settings.permissions[1].workspace",
    "assignment.settings.permissions[2].workspace",
    "assignment.settings.seats[1]",
    "assignment.update_mode",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_creation_reports_all_violations_of_the_request_together() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let request = CreateAssignmentRequest {
        parent: org.name(),
        assignment_id: "Not An Id".to_owned(),
        assignment: Some(bad_assignment(&org)),
        position: -1,
        request_id: "nonsense".to_owned(),
        validate_only: false,
    };
    let mut expected = [&BAD_VALUES[..], &["assignment_id", "position", "request_id"]].concat();
    expected.sort_unstable();
    assert_eq!(fields(server.assignments().create_assignment(request)).await, expected);
    let nothing = CreateAssignmentRequest::default();
    let expected = ["assignment.display_name", "assignment.groups", "parent"];
    assert_eq!(fields(server.assignments().create_assignment(nothing)).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_reports_all_violations_of_the_request_together() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("a", &["eng"], AUTOMATIC, EXPORT).await;
    let update = |assignment: Assignment, paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|&path| path.to_owned()).collect();
        let update_mask = (!paths.is_empty()).then_some(prost_types::FieldMask { paths });
        let assignment = Some(Assignment { name: org.assignment("a"), ..assignment });
        UpdateAssignmentRequest { assignment, update_mask, ..Default::default() }
    };
    let call = fields(server.assignments().update_assignment(update(bad_assignment(&org), &[]))).await;
    assert_eq!(call, BAD_VALUES);
    let mut request = update(bad_assignment(&org), &["*", "moon", "rank"]);
    request.request_id = "nonsense".to_owned();
    request.assignment.as_mut().unwrap().name = "organizations/acme".to_owned();
    let mut expected = [&BAD_VALUES[..], &["assignment.name", "request_id", "update_mask", "update_mask"]].concat();
    expected.push("assignment.update_mode");
    expected.sort_unstable();
    assert_eq!(fields(server.assignments().update_assignment(request)).await, expected);
    let empty = update(Assignment::default(), &["display_name", "groups", "updateMode"]);
    let expected = ["assignment.display_name", "assignment.groups", "assignment.update_mode"];
    assert_eq!(fields(server.assignments().update_assignment(empty)).await, expected);
    // Fields outside of the mask are not checked, except for unreadable values.
    let settings = Settings { data_capture: bad_settings().data_capture, ..Default::default() };
    let ignored = Assignment { display_name: "x".repeat(201), settings: Some(settings), ..Default::default() };
    let kept =
        server.assignments().update_assignment(update(ignored, &["settings.data_capture.emails_imported"])).await;
    assert_eq!(kept.unwrap().into_inner().assignment.unwrap().display_name, "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn violations_of_the_catalog_and_the_phase_are_reported_together() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let settings = Settings {
        seats: vec!["gong".to_owned(), "engage".to_owned()],
        permissions: bad_settings().permissions[..1].to_vec(),
        data_capture: None,
        ..bad_settings()
    };
    let mut request = at(&org, "a", &["eng"], 9);
    let assignment = request.assignment.as_mut().unwrap();
    (assignment.settings, assignment.email_export) = (Some(settings.clone()), 0);
    let of_settings = ["home_workspace", "permissions", "seats", "seats"];
    let mut expected = of_settings.map(|field| format!("assignment.settings.{field}")).to_vec();
    expected.extend(["assignment.email_export".to_owned(), "position".to_owned()]);
    expected.sort_unstable();
    assert_eq!(fields(server.assignments().create_assignment(request)).await, expected);

    org.assign("b", &["eng"], AUTOMATIC, EXPORT).await;
    let paths = vec!["settings".to_owned(), "email_export".to_owned()];
    let assignment = Some(Assignment { name: org.assignment("b"), settings: Some(settings), ..Default::default() });
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = UpdateAssignmentRequest { assignment, update_mask, ..Default::default() };
    expected.retain(|field| field != "position");
    assert_eq!(fields(server.assignments().update_assignment(request)).await, expected);
}
