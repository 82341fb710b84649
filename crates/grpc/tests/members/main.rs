//! Members through the API: reading, moving, releasing, editing and explaining them, their history, their groups, and
//! the team members CSV (product.md 4.9, 5, 8, 9).

#![allow(clippy::unwrap_used)]

mod changes;
mod csv;
mod edits;
mod explained;
mod filters;
mod groups;
mod moves;
mod setting_origins;
mod shown;

use rollcall_proto::v1::{
    EmailExport, ExplainMemberRequest, ExplainMemberResponse, ListMembersRequest, ListMembersResponse,
    Member as MemberMessage, Membership, MoveMembersRequest, MoveMembersResponse, Phase, ReleaseMembersRequest,
    ReleaseMembersResponse, SyncDirectoryRequest, SyncMode, UpdateMode,
};
use rollcall_testkit::{Member, Org, TestServer};

pub(crate) const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
pub(crate) const MANUAL: UpdateMode = UpdateMode::ManualEditing;
pub(crate) const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
pub(crate) const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

/// The assignments `engineering` (automatic), `operations` (manual) and `everyone` (automatic), in this order.
pub(crate) async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    let members = [
        Member::new("builder", &["all", "eng"]),
        Member::new("gone", &["eng"]).inactive(),
        Member::new("keeper", &["ops"]),
        Member::new("loner", &[]),
        Member::new("mover", &["ops"]),
    ];
    org.sync(&members).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], MANUAL, DO_NOT_EXPORT).await;
    org.assign("everyone", &["all"], AUTOMATIC, EXPORT).await;
    org
}

pub(crate) async fn list(server: &TestServer, request: ListMembersRequest) -> ListMembersResponse {
    server.members().list_members(request).await.unwrap().into_inner()
}

pub(crate) fn all(org: &Org<'_>) -> ListMembersRequest {
    ListMembersRequest { parent: org.name(), ..Default::default() }
}

pub(crate) fn ids(members: &[MemberMessage]) -> Vec<&str> {
    members.iter().map(|member| member.name.rsplit('/').next().unwrap()).collect()
}

pub(crate) fn moving(org: &Org<'_>, members: &[&str], assignment: &str) -> MoveMembersRequest {
    MoveMembersRequest {
        parent: org.name(),
        members: members.iter().map(|member| org.member(member)).collect(),
        assignment: org.assignment(assignment),
        reason: "a project".to_owned(),
        ..Default::default()
    }
}

pub(crate) async fn move_to(
    server: &TestServer,
    org: &Org<'_>,
    members: &[&str],
    assignment: &str,
) -> MoveMembersResponse {
    server.members().move_members(moving(org, members, assignment)).await.unwrap().into_inner()
}

pub(crate) async fn release(
    server: &TestServer,
    org: &Org<'_>,
    members: &[&str],
    validate_only: bool,
) -> ReleaseMembersResponse {
    let members = members.iter().map(|member| org.member(member)).collect();
    let request = ReleaseMembersRequest { parent: org.name(), members, validate_only, ..Default::default() };
    server.members().release_members(request).await.unwrap().into_inner()
}

/// Moves members from a group to another.
pub(crate) async fn regroup(server: &TestServer, org: &Org<'_>, member: &str, from: &str, to: &str) {
    let membership = |group: &str| vec![Membership { group: group.to_owned(), member: member.to_owned() }];
    let request = SyncDirectoryRequest {
        parent: org.name(),
        mode: SyncMode::Delta.into(),
        memberships: membership(to),
        removed_memberships: membership(from),
        ..Default::default()
    };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap();
}

pub(crate) async fn explain(server: &TestServer, org: &Org<'_>, member: &str) -> ExplainMemberResponse {
    let request = ExplainMemberRequest { name: org.member(member), ..Default::default() };
    server.members().explain_member(request).await.unwrap().into_inner()
}

/// Makes a DELTA sync. Returns the revision.
pub(crate) async fn delta(server: &TestServer, request: SyncDirectoryRequest) -> String {
    let request = SyncDirectoryRequest { mode: SyncMode::Delta.into(), ..request };
    server.directory().sync_directory(tokio_stream::once(request)).await.unwrap().into_inner().revision
}
