//! Groups: renamed, absent, back under another id, and listed.

use rollcall_proto::v1::{
    Assignment, DirectoryGroup, GetGroupRequest, ListGroupsRequest, Phase, SyncCounts, SyncDirectoryRequest,
    UpdateAssignmentRequest,
};
use rollcall_testkit::{Member, Org, TestServer, copy_assignment, reason};
use tonic::Code;

use crate::{EVERYBODY, MEMBERS, acme, delta, everybody, groups, take};

#[tokio::test(flavor = "multi_thread")]
async fn a_renamed_group_is_the_same_group() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let renamed = vec![DirectoryGroup { group: "eng".to_owned(), display_name: "Makers".to_owned() }];
    let response = take(&server, SyncDirectoryRequest { groups: renamed, ..delta(&org) }).await;
    assert_eq!(response.counts, Some(SyncCounts { groups_changed: 1, ..Default::default() }));
    assert_eq!(groups(&server, &org).await, ["Makers (2)", "ops (2)"]);
    assert_eq!(everybody(&server, &org).await, EVERYBODY);
    assert_eq!(org.get_assignment("engineering").await.groups, [org.group("eng")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_returns_under_another_id_matches_only_where_it_is_named() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    let again =
        [Member::new("a", &["eng-2"]), Member::new("b", &["eng-2", "ops"]), MEMBERS[2].clone(), MEMBERS[3].clone()];
    let mut request = org.full_sync(&again);
    request.groups[0].display_name = "eng".to_owned();
    let counts = SyncCounts {
        groups_changed: 2,
        memberships_added: 2,
        memberships_removed: 2,
        members_rehomed: 2,
        ..Default::default()
    };
    assert_eq!(take(&server, request.clone()).await.counts, Some(counts));
    assert_eq!(groups(&server, &org).await, ["-eng (0)", "eng (2)", "ops (2)"]);
    let expected = ["a (eng-2) default", "b (eng-2 ops) operations", "c (ops) operations", "d () default"];
    assert_eq!(everybody(&server, &org).await, expected);

    // The assignment still names the absent group, until an update names the new one.
    let assignment = org.get_assignment("engineering").await;
    assert_eq!(assignment.groups, [org.group("eng")]);
    let named = Assignment { groups: vec![org.group("eng"), org.group("eng-2")], ..assignment };
    let request = UpdateAssignmentRequest { assignment: Some(named), ..Default::default() };
    server.assignments().update_assignment(request).await.unwrap();
    let expected = ["a (eng-2) engineering", "b (eng-2 ops) engineering", "c (ops) operations", "d () default"];
    assert_eq!(everybody(&server, &org).await, expected);

    // The old group matches again after its return.
    let both =
        [Member::new("a", &["eng-2"]), Member::new("b", &["ops"]), MEMBERS[2].clone(), Member::new("d", &["eng"])];
    org.sync(&both).await;
    let expected = ["a (eng-2) engineering", "b (ops) operations", "c (ops) operations", "d (eng) engineering"];
    assert_eq!(everybody(&server, &org).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_group_is_still_shown() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.sync(&MEMBERS[..1]).await;
    let request = GetGroupRequest { name: org.group("ops"), ..Default::default() };
    let shown = server.directory().get_group(request).await.unwrap().into_inner();
    let group = shown.group.unwrap();
    assert_eq!((group.present, group.member_count, shown.assignments), (false, 0, vec![org.assignment("operations")]));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_listed_in_pages() {
    let server = TestServer::start().await;
    let org = Org::create(&server, "acme", Phase::Migrated).await;
    org.sync(&[Member::new("m", &["b", "B/1", "a", "é", "c"])]).await;
    let page = |page_size: i32, page_token: &str| ListGroupsRequest {
        parent: org.name(),
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    let (mut names, mut token) = (Vec::new(), String::new());
    loop {
        let read = server.directory().list_groups(page(2, &token)).await.unwrap().into_inner();
        names.extend(read.groups.into_iter().map(|group| group.name));
        if read.next_page_token.is_empty() {
            break;
        }
        token = read.next_page_token;
    }
    assert_eq!(names, ["B%2F1", "a", "b", "c", "%C3%A9"].map(|id| org.group(id)));
    let status = server.directory().list_groups(page(2, "nonsense")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "INVALID_REQUEST"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_names_its_first_1000_assignments_and_counts_all() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    copy_assignment(&server.database.client().await, "operations", 1_003).await;
    let request = GetGroupRequest { name: org.group("ops"), ..Default::default() };
    let shown = server.directory().get_group(request).await.unwrap().into_inner();
    let copies = (1..1_000).map(|copy| org.assignment(&format!("a{copy}")));
    let first: Vec<String> = [org.assignment("operations")].into_iter().chain(copies).collect();
    assert_eq!((shown.assignment_count, shown.assignments), (1_004, first));
}
