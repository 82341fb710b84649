//! The groups of members (product.md 4, 6).

use rollcall_proto::v1::{GetGroupRequest, GetGroupResponse, Group, MoveAssignmentRequest};
use rollcall_testkit::{Member, TestServer, refused};

use crate::{DO_NOT_EXPORT, MANUAL, acme};

#[tokio::test(flavor = "multi_thread")]
async fn a_group_lists_its_assignments_in_order_even_when_absent() {
    let server = TestServer::start().await;
    let org = acme(&server).await;
    org.assign("builders", &["eng", "all"], MANUAL, DO_NOT_EXPORT).await;
    let get = async |id: &str| {
        let request = GetGroupRequest { name: org.group(id), ..Default::default() };
        server.directory().get_group(request).await.unwrap().into_inner()
    };
    let answer = |id: &str, (member_count, present), assignments: &[&str], revision: &str| GetGroupResponse {
        group: Some(Group { name: org.group(id), display_name: id.to_owned(), member_count, present }),
        assignments: assignments.iter().map(|id| org.assignment(id)).collect(),
        revision: revision.to_owned(),
        assignment_count: i32::try_from(assignments.len()).unwrap(),
    };
    let found = get("eng").await;
    assert_eq!(found, answer("eng", (2, true), &["engineering", "builders"], &found.revision));

    let request = MoveAssignmentRequest { name: org.assignment("builders"), position: 1, ..Default::default() };
    let moved = server.assignments().move_assignment(request).await.unwrap().into_inner();
    assert_eq!(get("eng").await, answer("eng", (2, true), &["builders", "engineering"], &moved.revision));

    // The next full sync contains only the members of operations, and none of the other groups.
    let members = [Member::new("keeper", &["ops"]), Member::new("mover", &["ops"])];
    let synced = org.sync(&members).await;
    assert_eq!(get("eng").await, answer("eng", (0, false), &["builders", "engineering"], &synced.revision));
    assert_eq!(get("ops").await, answer("ops", (2, true), &["operations"], &synced.revision));

    let request = |name: String| GetGroupRequest { name, ..Default::default() };
    let cases = [
        (request(org.group("moon")), "NotFound GROUP_NOT_FOUND group=moon"),
        (request(org.member("keeper")), "InvalidArgument INVALID_REQUEST name"),
        (request("organizations/none/groups/eng".to_owned()), "NotFound ORGANIZATION_NOT_FOUND organization=none"),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(server.directory().get_group(request)).await, expected);
    }
}
