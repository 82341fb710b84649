//! The ordered list: ranks, resolution, manual assignments, the default assignment, and deletion.

use rollcall_proto::v1::{
    Assignment, DeleteAssignmentRequest, EmailExport, MoveMembersRequest, UpdateAssignmentRequest,
};
use rollcall_testkit::{TestServer, refused};

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, MANUAL, acme, at, delete, homes, move_to, order};

#[tokio::test(flavor = "multi_thread")]
async fn ranks_stay_dense_at_every_position() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    for (id, position, expected) in [("a", 0, "a default"), ("b", 1, "b a default"), ("c", 2, "b c a default")] {
        let created = server.assignments().create_assignment(at(&org, id, &["eng"], position)).await.unwrap();
        let created = created.into_inner().assignment.unwrap();
        assert_eq!(created, org.get_assignment(id).await);
        assert_eq!(order(&server, &org).await, expected);
    }
    for (id, position, expected) in [("b", 3, "c a b default"), ("b", 1, "b c a default"), ("c", 2, "b c a default")] {
        let moved = server.assignments().move_assignment(move_to(&org, id, position)).await.unwrap();
        assert_eq!(moved.into_inner().assignment.unwrap().rank, position);
        assert_eq!(order(&server, &org).await, expected);
    }
    server.assignments().delete_assignment(delete(&org, "c", false)).await.unwrap();
    assert_eq!(order(&server, &org).await, "b a default");

    let position = "InvalidArgument INVALID_REQUEST position";
    for beyond in [-1, 4] {
        let call = refused(server.assignments().create_assignment(at(&org, "d", &["eng"], beyond))).await;
        assert_eq!(call, position, "create at {beyond}");
    }
    for beyond in [-1, 0, 3] {
        let call = refused(server.assignments().move_assignment(move_to(&org, "a", beyond))).await;
        assert_eq!(call, position, "move to {beyond}");
    }
    assert_eq!(order(&server, &org).await, "b a default");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_listed_assignment_wins_and_a_move_changes_the_winner() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let first = "both:engineering builder:engineering gone:engineering keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, first);
    assert_eq!(org.get_member("both").await.email_export(), EmailExport::Export);
    server.assignments().move_assignment(move_to(&org, "operations", 1)).await.unwrap();
    let second = "both:operations builder:engineering gone:engineering keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, second);
    assert_eq!(org.get_member("both").await.email_export(), EmailExport::DoNotExport);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manual_assignment_keeps_its_members_when_the_list_changes() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("engineering", &["eng"], MANUAL, EXPORT).await;
    let held = homes(&server, &org).await;
    assert_eq!(held, "both:engineering builder:engineering gone:engineering keeper:default loner:default");
    server.assignments().create_assignment(at(&org, "operations", &["ops", "eng"], 1)).await.unwrap();
    assert_eq!(homes(&server, &org).await, held.replace("keeper:default", "keeper:operations"));
    // A switch to automatic updates resolves them again.
    let assignment =
        Assignment { name: org.assignment("engineering"), update_mode: AUTOMATIC.into(), ..Default::default() };
    let request = UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    let free = "both:operations builder:operations gone:operations keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, free);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_default_assignment_can_be_edited_but_not_deleted_or_moved_or_given_groups() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let fixed = "FailedPrecondition DEFAULT_ASSIGNMENT_FIXED assignment=default";
    assert_eq!(refused(server.assignments().delete_assignment(delete(&org, "default", true))).await, fixed);
    assert_eq!(refused(server.assignments().move_assignment(move_to(&org, "default", 1))).await, fixed);
    let update = |assignment| UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
    let name = org.assignment("default");
    let grouped = Assignment { name: name.clone(), groups: vec![org.group("eng")], ..Default::default() };
    assert_eq!(refused(server.assignments().update_assignment(update(grouped))).await, fixed);
    let display_name = "Everybody else".to_owned();
    let edited = Assignment { name, display_name, email_export: EmailExport::Export.into(), ..Default::default() };
    server.assignments().update_assignment(update(edited)).await.unwrap();
    assert_eq!(org.get_assignment("default").await.email_export_summary.unwrap().exporting, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_with_members_or_pins_is_deleted_only_with_resolve_members() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let kept = org.assign("engineering", &["eng"], MANUAL, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    let (parent, assignment) = (org.name(), org.assignment("engineering"));
    let request = MoveMembersRequest { parent, members: vec![org.member("loner")], assignment, ..Default::default() };
    server.members().move_members(request).await.unwrap();

    let call = refused(server.assignments().delete_assignment(delete(&org, "engineering", false))).await;
    assert_eq!(call, "FailedPrecondition ASSIGNMENT_HAS_MEMBERS assignment=engineering members=4 pins=1");
    let stale = DeleteAssignmentRequest { etag: "0".to_owned(), ..delete(&org, "engineering", true) };
    let expected = format!("Aborted STALE_ETAG current_etag={} etag=0 resource={}", kept.etag, kept.name);
    assert_eq!(refused(server.assignments().delete_assignment(stale)).await, expected);
    let current = DeleteAssignmentRequest { etag: kept.etag, ..delete(&org, "engineering", true) };
    server.assignments().delete_assignment(current).await.unwrap();
    let resolved = "both:operations builder:default gone:default keeper:operations loner:default";
    assert_eq!(homes(&server, &org).await, resolved);
    assert_eq!(org.get_member("loner").await.pin, None);
    let unknown = "NotFound ASSIGNMENT_NOT_FOUND assignment=engineering";
    assert_eq!(refused(server.assignments().delete_assignment(delete(&org, "engineering", true))).await, unknown);
    assert_eq!(refused(server.assignments().move_assignment(move_to(&org, "engineering", 1))).await, unknown);
}
