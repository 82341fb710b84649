//! Assignments through the API: the ordered list and its pages, resolution, reordering, refusals, the mixed overview,
//! lint and previews (product.md 2, 3, 5, 9).

#![allow(clippy::unwrap_used)]

mod create;
mod lint;
mod listed;
mod mixed;
mod pages;
mod previews;
mod reorder;
mod size;
mod violations;

use rollcall_proto::v1::{
    Assignment, CreateAssignmentRequest, DeleteAssignmentRequest, EmailExport, ListAssignmentsRequest,
    ListMembersRequest, Member as MemberMessage, MoveAssignmentRequest, Phase, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer};

pub(crate) const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
pub(crate) const MANUAL: UpdateMode = UpdateMode::ManualEditing;
pub(crate) const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
pub(crate) const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

pub(crate) const MEMBERS: [Member; 5] = [
    Member::new("both", &["eng", "ops"]),
    Member::new("builder", &["eng"]),
    Member::new("gone", &["eng"]).inactive(),
    Member::new("keeper", &["ops"]),
    Member::new("loner", &["free"]),
];

pub(crate) async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org
}

pub(crate) fn last(name: &str) -> &str {
    name.rsplit('/').next().unwrap()
}

pub(crate) async fn list(server: &TestServer, org: &Org<'_>) -> Vec<Assignment> {
    let request = ListAssignmentsRequest { parent: org.name(), ..Default::default() };
    server.assignments().list_assignments(request).await.unwrap().into_inner().assignments
}

/// Returns the ids in evaluation order, and checks that the ranks are 1, 2, 3 …
pub(crate) async fn order(server: &TestServer, org: &Org<'_>) -> String {
    let listed = list(server, org).await;
    assert!(listed.iter().map(|assignment| assignment.rank).eq(1..=listed.len().try_into().unwrap()));
    listed.iter().map(|assignment| last(&assignment.name)).collect::<Vec<_>>().join(" ")
}

pub(crate) async fn everybody(server: &TestServer, org: &Org<'_>) -> Vec<MemberMessage> {
    let request = ListMembersRequest { parent: org.name(), ..Default::default() };
    server.members().list_members(request).await.unwrap().into_inner().members
}

/// Returns the assignment of each member, as `member:assignment`.
pub(crate) async fn homes(server: &TestServer, org: &Org<'_>) -> String {
    let home = |member: &MemberMessage| format!("{}:{}", last(&member.name), last(&member.assignment));
    everybody(server, org).await.iter().map(home).collect::<Vec<_>>().join(" ")
}

pub(crate) fn at(org: &Org<'_>, id: &str, groups: &[&str], position: i32) -> CreateAssignmentRequest {
    CreateAssignmentRequest { position, ..org.new_assignment(id, groups, AUTOMATIC, EXPORT) }
}

pub(crate) fn move_to(org: &Org<'_>, id: &str, position: i32) -> MoveAssignmentRequest {
    MoveAssignmentRequest { name: org.assignment(id), position, ..Default::default() }
}

pub(crate) fn delete(org: &Org<'_>, id: &str, resolve_members: bool) -> DeleteAssignmentRequest {
    DeleteAssignmentRequest { name: org.assignment(id), resolve_members, ..Default::default() }
}
