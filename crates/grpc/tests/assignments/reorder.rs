//! Reordering: moved members, invalid permutations, concurrent reorders, and previews.

use std::sync::Arc;

use rollcall_proto::v1::{
    CreateAssignmentRequest, DataCapture, ListAssignmentsRequest, MoveAssignmentRequest, MoveMembersRequest, Preview,
    ReorderAssignmentsRequest, ReorderAssignmentsResponse, Settings,
};
use rollcall_testkit::{Org, TestServer, difference as rows_differ, dump, refused};
use tokio::{sync::Barrier, task::JoinSet};

use crate::{AUTOMATIC, DO_NOT_EXPORT, EXPORT, MANUAL, acme, everybody, homes, order, previews::difference};

async fn etag(server: &TestServer, org: &Org<'_>) -> String {
    let request = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
    server.assignments().list_assignments(request).await.unwrap().into_inner().etag
}

async fn request(server: &TestServer, org: &Org<'_>, ids: &[&str]) -> ReorderAssignmentsRequest {
    let (parent, etag) = (org.name(), etag(server, org).await);
    let assignments = ids.iter().map(|id| org.assignment(id)).collect();
    ReorderAssignmentsRequest { parent, assignments, etag, ..Default::default() }
}

async fn reorder(server: &TestServer, request: ReorderAssignmentsRequest) -> ReorderAssignmentsResponse {
    server.assignments().reorder_assignments(request).await.unwrap().into_inner()
}

/// The assignments `engineering` and `operations`, both automatic, and `everyone`, manual. Each has its own groups.
async fn three(server: &TestServer) -> Org<'_> {
    let org = acme(server).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    org.assign("everyone", &["eng", "ops", "free"], MANUAL, EXPORT).await;
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_order_changes_the_resolution_and_returns_its_etag() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    let first = "both:engineering builder:engineering gone:engineering keeper:operations loner:everyone";
    assert_eq!(homes(&server, &org).await, first);
    let asked = request(&server, &org, &["operations", "everyone", "engineering"]).await;
    let answer = reorder(&server, asked.clone()).await;
    assert_eq!(order(&server, &org).await, "operations everyone engineering default");
    assert_eq!((answer.etag.len(), &answer.etag), (16, &etag(&server, &org).await));
    // A manual assignment keeps the members that it takes, whatever the later order.
    let second = "both:operations builder:everyone gone:everyone keeper:operations loner:everyone";
    assert_eq!(homes(&server, &org).await, second);
    let back = ReorderAssignmentsRequest { etag: answer.etag.clone(), ..asked.clone() };
    let back = ReorderAssignmentsRequest {
        assignments: ["engineering", "operations", "everyone"].map(|id| org.assignment(id)).into(),
        ..back
    };
    assert_eq!(reorder(&server, back).await.etag, asked.etag, "the first order again");
    let third = "both:engineering builder:everyone gone:everyone keeper:operations loner:everyone";
    assert_eq!(homes(&server, &org).await, third);
    let resource = format!("{}/assignments", org.name());
    let stale = ReorderAssignmentsRequest { etag: answer.etag.clone(), ..asked };
    let expected = format!("Aborted STALE_ETAG current_etag={} etag={} resource={resource}", stale.etag, answer.etag);
    let expected = expected.replacen(&answer.etag, &etag(&server, &org).await, 1);
    assert_eq!(refused(server.assignments().reorder_assignments(stale)).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_permutation_is_refused_with_its_violations() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    let before = dump(&server.database, None).await;
    let mismatch = "InvalidArgument ORDER_SET_MISMATCH";
    let cases: [(&[&str], String); 7] = [
        (&[], format!("{mismatch} missing=engineering,everyone,operations unknown=")),
        (&["operations", "engineering"], format!("{mismatch} missing=everyone unknown=")),
        (&["operations", "engineering", "everyone", "moon"], format!("{mismatch} missing= unknown=moon")),
        (&["operations", "engineering", "everyone", "default"], format!("{mismatch} missing= unknown=default")),
        (
            &["operations", "engineering", "everyone", "operations"],
            format!("{mismatch} missing= repeated=operations unknown="),
        ),
        (
            &["moon", "moon", "everyone"],
            format!("{mismatch} missing=engineering,operations repeated=moon unknown=moon"),
        ),
        (&["Not An Id", "everyone", ""], "InvalidArgument INVALID_REQUEST assignments[0] assignments[2]".to_owned()),
    ];
    for (ids, expected) in cases {
        for validate_only in [true, false] {
            let request = ReorderAssignmentsRequest { validate_only, ..request(&server, &org, ids).await };
            assert_eq!(refused(server.assignments().reorder_assignments(request)).await, expected, "{ids:?}");
        }
    }
    let good = request(&server, &org, &["operations", "engineering", "everyone"]).await;
    let none = ReorderAssignmentsRequest { etag: String::new(), ..good.clone() };
    let call = refused(server.assignments().reorder_assignments(none)).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST etag");
    let mut elsewhere = good;
    elsewhere.assignments[1] = "organizations/other/assignments/engineering".to_owned();
    let call = refused(server.assignments().reorder_assignments(elsewhere)).await;
    assert_eq!(call, "InvalidArgument INVALID_REQUEST assignments[1]");
    assert_eq!(rows_differ(&before, &dump(&server.database, None).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_order_is_no_change() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    let before = dump(&server.database, None).await;
    let asked = request(&server, &org, &["engineering", "operations", "everyone"]).await;
    let read = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
    let read = server.assignments().list_assignments(read).await.unwrap().into_inner();
    for validate_only in [true, false] {
        let answer = reorder(&server, ReorderAssignmentsRequest { validate_only, ..asked.clone() }).await;
        assert_eq!((answer.etag, answer.revision), (read.etag.clone(), read.revision.clone()));
        assert_eq!(answer.preview, validate_only.then(Preview::default));
        let (name, position) = (org.assignment("operations"), 2);
        let asked = MoveAssignmentRequest { name, position, validate_only, ..Default::default() };
        let answer = server.assignments().move_assignment(asked).await.unwrap().into_inner();
        assert_eq!((answer.assignment.unwrap().rank, &answer.revision), (2, &read.revision));
        assert_eq!(answer.preview, validate_only.then(Preview::default));
    }
    assert_eq!(rows_differ(&before, &dump(&server.database, None).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_concurrent_reorders_wins_and_the_other_is_stale() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    for _ in 0..5 {
        let orders = [["operations", "everyone", "engineering"], ["everyone", "engineering", "operations"]];
        let start = Arc::new(Barrier::new(orders.len()));
        let mut calls = JoinSet::new();
        for ids in orders {
            let (start, mut client) = (start.clone(), server.assignments());
            let asked = request(&server, &org, &ids).await;
            calls.spawn(async move {
                start.wait().await;
                (ids, client.reorder_assignments(asked).await)
            });
        }
        let (won, lost): (Vec<_>, Vec<_>) = calls.join_all().await.into_iter().partition(|(_, answer)| answer.is_ok());
        assert_eq!((won.len(), lost.len()), (1, 1));
        assert_eq!(order(&server, &org).await, format!("{} default", won[0].0.join(" ")));
        let status = lost.into_iter().next().unwrap().1.unwrap_err();
        let current = etag(&server, &org).await;
        assert!(
            refused::<()>(async { Err(status) })
                .await
                .starts_with(&format!("Aborted STALE_ETAG current_etag={current}"))
        );
        reorder(&server, request(&server, &org, &["engineering", "operations", "everyone"]).await).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_of_a_new_order_predicts_the_change_and_no_member_enters_twice() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    let capture = DataCapture { telephony_calls_imported: Some(true), ..Default::default() };
    let settings = Settings { data_capture: Some(capture), ..Default::default() };
    let mut new: CreateAssignmentRequest = org.new_assignment("makers", &["eng", "ops"], AUTOMATIC, DO_NOT_EXPORT);
    new.assignment.as_mut().unwrap().settings = Some(settings);
    server.assignments().create_assignment(new).await.unwrap();
    let (parent, assignment) = (org.name(), org.assignment("engineering"));
    let pin = MoveMembersRequest { parent, members: vec![org.member("builder")], assignment, ..Default::default() };
    server.members().move_members(pin).await.unwrap();
    let mut seen = Vec::new();
    for ids in [
        ["makers", "everyone", "operations", "engineering"],
        ["engineering", "makers", "operations", "everyone"],
        ["operations", "makers", "engineering", "everyone"],
    ] {
        let asked = request(&server, &org, &ids).await;
        let (before, rows) = (everybody(&server, &org).await, dump(&server.database, None).await);
        let preview = reorder(&server, ReorderAssignmentsRequest { validate_only: true, ..asked.clone() }).await;
        assert_eq!(rows_differ(&rows, &dump(&server.database, None).await), None, "{ids:?}");
        let made = reorder(&server, asked).await;
        assert_eq!((made.etag, made.preview), (preview.etag, None));
        let preview = preview.preview.unwrap();
        assert_eq!(preview, difference(&before, &everybody(&server, &org).await), "{ids:?}");
        let moved = preview.assignment_changes;
        let kept = dump(&server.database, None).await["member_changes"].len() - rows["member_changes"].len();
        assert_eq!(i32::try_from(kept).unwrap(), moved, "{ids:?}");
        seen.push((moved, preview.flips_to_export, preview.flips_to_do_not_export));
    }
    assert_eq!(seen, [(3, 0, 2), (2, 2, 0), (3, 0, 2)]);
    assert_eq!(org.get_member("builder").await.assignment, org.assignment("engineering"), "it is pinned");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_gets_the_first_response_despite_its_stale_etag() {
    let server = TestServer::start().await;
    let org = three(&server).await;
    let request_id = "0193f0c4-0000-7000-8000-000000000001".to_owned();
    let asked = request(&server, &org, &["operations", "everyone", "engineering"]).await;
    let asked = ReorderAssignmentsRequest { request_id, ..asked };
    let first = reorder(&server, asked.clone()).await;
    reorder(&server, request(&server, &org, &["everyone", "engineering", "operations"]).await).await;
    assert_eq!(reorder(&server, asked).await, first);
    assert_eq!(order(&server, &org).await, "everyone engineering operations default");
}
