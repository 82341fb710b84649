//! Refused creations, and updates of unknown fields and groups.

use rollcall_proto::v1::{Assignment, CreateAssignmentRequest, DataCapture, Phase, Settings, UpdateAssignmentRequest};
use rollcall_testkit::{Member, Org, TestServer, refused};

use crate::{AUTOMATIC, EXPORT, MANUAL, acme, homes, order};

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_creation_is_refused_with_its_reason() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("taken", &["eng"], MANUAL, EXPORT).await;
    let legacy = Org::create(&server, "old", Phase::Legacy).await;
    legacy.sync(&[Member::new("m", &["eng"])]).await;
    let new = |id: &str, group: &str| org.new_assignment(id, &[group], AUTOMATIC, EXPORT);
    let with = |change: &dyn Fn(&mut Assignment)| {
        let mut request = new("a", "eng");
        change(request.assignment.as_mut().unwrap());
        request
    };
    let capture =
        |capture| with(&|a| a.settings = Some(Settings { data_capture: Some(capture), ..Default::default() }));
    let twice = DataCapture {
        web_conferences_recorded: Some(true),
        prevent_web_conference_recording: Some(true),
        emails_imported: Some(true),
        prevent_email_import: Some(true),
        ..Default::default()
    };
    let once = DataCapture { web_conferences_recorded: Some(false), ..twice };
    let contradiction = "InvalidArgument CONTRADICTORY_DATA_CAPTURE";
    let capturing = "assignment.settings.data_capture.prevent";
    let elsewhere = legacy.group("eng");
    let bad = |field: &str| format!("InvalidArgument INVALID_REQUEST {field}");
    let emails = "emails_imported,prevent_email_import";
    let both = format!("web_conferences_recorded,prevent_web_conference_recording,{emails}");
    let cases = [
        (
            with(&|a| a.email_export = 0),
            "InvalidArgument EMAIL_EXPORT_REQUIRED assignment.email_export field=email_export".to_owned(),
        ),
        (
            legacy.new_assignment("a", &["eng"], AUTOMATIC, EXPORT),
            "FailedPrecondition EMAIL_EXPORT_NOT_MIGRATED organization=old".to_owned(),
        ),
        (new("a", "moon"), "NotFound GROUP_NOT_FOUND group=moon".to_owned()),
        (new("taken", "eng"), "AlreadyExists ALREADY_EXISTS resource=organizations/acme/assignments/taken".to_owned()),
        (
            new("default", "eng"),
            "AlreadyExists ALREADY_EXISTS resource=organizations/acme/assignments/default".to_owned(),
        ),
        (new("Not-An-Id", "eng"), bad("assignment_id")),
        (with(&|a| a.groups.clear()), bad("assignment.groups")),
        (with(&|a| a.groups.push(elsewhere.clone())), bad("assignment.groups[1]")),
        (with(&|a| a.display_name.clear()), bad("assignment.display_name")),
        (with(&|a| a.update_mode = 7), bad("assignment.update_mode")),
        (capture(once), format!("{contradiction} {capturing}_email_import fields={emails}")),
        (
            capture(twice),
            format!("{contradiction} {capturing}_web_conference_recording {capturing}_email_import fields={both}"),
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.assignments().create_assignment(request.clone())).await, expected);
        let request = CreateAssignmentRequest { validate_only: true, ..request };
        assert_eq!(refused(server.assignments().create_assignment(request)).await, expected, "validate_only");
    }
    assert_eq!(order(&server, &org).await, "taken default");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_resource_is_reported_before_a_conflicting_state() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let legacy = Org::create(&server, "old", Phase::Legacy).await;
    let (taken, in_legacy) = (("default", &org), ("a", &legacy));
    for (id, org) in [taken, in_legacy] {
        let request = org.new_assignment(id, &["moon"], AUTOMATIC, EXPORT);
        let unknown = refused(server.assignments().create_assignment(request)).await;
        assert_eq!(unknown, "NotFound GROUP_NOT_FOUND group=moon");
    }
    legacy.sync(&[Member::new("m", &["eng"])]).await;
    legacy.assign("a", &["eng"], AUTOMATIC, None).await;
    let assignment = legacy.new_assignment("a", &["moon"], AUTOMATIC, EXPORT).assignment.unwrap();
    let assignment = Some(Assignment { name: legacy.assignment("a"), ..assignment });
    let update = UpdateAssignmentRequest { assignment, ..Default::default() };
    let unknown = refused(server.assignments().update_assignment(update)).await;
    assert_eq!(unknown, "NotFound GROUP_NOT_FOUND group=moon");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_unknown_fields_or_groups_is_refused() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("a", &["eng"], AUTOMATIC, EXPORT).await;
    let groups = vec![org.group("moon")];
    let update = |path: &str| UpdateAssignmentRequest {
        assignment: Some(Assignment { name: org.assignment("a"), groups: groups.clone(), ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        ..Default::default()
    };
    let cases = [
        ("moon", "InvalidArgument INVALID_REQUEST update_mask"),
        ("rank", "InvalidArgument INVALID_REQUEST update_mask"),
        ("update_mode", "InvalidArgument INVALID_REQUEST assignment.update_mode"),
        ("display_name", "InvalidArgument INVALID_REQUEST assignment.display_name"),
        ("email_export", "InvalidArgument EMAIL_EXPORT_REQUIRED assignment.email_export field=email_export"),
        ("groups", "NotFound GROUP_NOT_FOUND group=moon"),
    ];
    for (path, expected) in cases {
        assert_eq!(refused(server.assignments().update_assignment(update(path))).await, expected, "{path}");
    }
    let mut default = update("groups");
    default.assignment.as_mut().unwrap().name = org.assignment("default");
    let refusal = refused(server.assignments().update_assignment(default)).await;
    assert_eq!(refusal, "NotFound GROUP_NOT_FOUND group=moon");
    let mut other = update("groups");
    other.assignment.as_mut().unwrap().groups = vec![org.group("free")];
    server.assignments().update_assignment(other).await.unwrap();
    let expected = "both:default builder:default gone:default keeper:default loner:a";
    assert_eq!(homes(&server, &org).await, expected);
}
