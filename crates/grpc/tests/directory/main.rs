//! Directory sync through the API: the changes of each mode, rejected rows, addresses, and refused syncs (product.md
//! 3, 6).

#![allow(clippy::unwrap_used)]

mod again;
mod domains;
mod emails;
mod groups;
mod limits;
mod modes;
mod rows;
mod size;
mod slices;
mod streams;

use rollcall_proto::v1::{
    EmailExport, GetOrganizationRequest, ListGroupsRequest, ListMembersRequest, Member as MemberMessage, MemberStatus,
    Membership, Organization, Phase, SyncDirectoryRequest, SyncDirectoryResponse, SyncMode, UpdateMode,
    UpdateOrganizationRequest,
};
use rollcall_testkit::{Member, Org, TestServer};
use tokio_stream::Stream;
use tonic::Status;

pub(crate) const AUTOMATIC: UpdateMode = UpdateMode::AutomaticUpdates;
pub(crate) const MANUAL: UpdateMode = UpdateMode::ManualEditing;
pub(crate) const EXPORT: Option<EmailExport> = Some(EmailExport::Export);
pub(crate) const DO_NOT_EXPORT: Option<EmailExport> = Some(EmailExport::DoNotExport);

pub(crate) const MEMBERS: [Member; 4] =
    [Member::new("a", &["eng"]), Member::new("b", &["eng", "ops"]), Member::new("c", &["ops"]), Member::new("d", &[])];

/// The members of [`acme`], in the format of [`everybody`].
pub(crate) const EVERYBODY: [&str; 4] =
    ["a (eng) engineering", "b (eng ops) engineering", "c (ops) operations", "d () default"];

/// The assignments `engineering` and `operations`, both automatic.
pub(crate) async fn acme(server: &TestServer) -> Org<'_> {
    let org = Org::create(server, "acme", Phase::Migrated).await;
    org.sync(&MEMBERS).await;
    org.assign("engineering", &["eng"], AUTOMATIC, EXPORT).await;
    org.assign("operations", &["ops"], AUTOMATIC, DO_NOT_EXPORT).await;
    org
}

pub(crate) fn delta(org: &Org<'_>) -> SyncDirectoryRequest {
    SyncDirectoryRequest { parent: org.name(), mode: SyncMode::Delta.into(), ..Default::default() }
}

pub(crate) async fn sync(
    server: &TestServer,
    stream: impl Stream<Item = SyncDirectoryRequest> + Send + 'static,
) -> Result<SyncDirectoryResponse, Status> {
    Ok(server.directory().sync_directory(stream).await?.into_inner())
}

pub(crate) async fn take(server: &TestServer, request: SyncDirectoryRequest) -> SyncDirectoryResponse {
    sync(server, tokio_stream::once(request)).await.unwrap()
}

/// Returns memberships from pairs of a group and a member.
pub(crate) fn memberships(pairs: &[(&str, &str)]) -> Vec<Membership> {
    let membership =
        |(group, member): &(&str, &str)| Membership { group: (*group).to_owned(), member: (*member).to_owned() };
    pairs.iter().map(membership).collect()
}

pub(crate) async fn members(server: &TestServer, org: &Org<'_>) -> Vec<MemberMessage> {
    let request = ListMembersRequest { parent: org.name(), ..Default::default() };
    server.members().list_members(request).await.unwrap().into_inner().members
}

/// Returns all members as `id (groups) assignment`. Inactive members begin with `-`.
pub(crate) async fn everybody(server: &TestServer, org: &Org<'_>) -> Vec<String> {
    let last = |name: &String| name.rsplit('/').next().unwrap().to_owned();
    let line = |member: &MemberMessage| {
        let gone = if member.status() == MemberStatus::Inactive { "-" } else { "" };
        let groups: Vec<String> = member.groups.iter().map(last).collect();
        format!("{gone}{} ({}) {}", last(&member.name), groups.join(" "), last(&member.assignment))
    };
    members(server, org).await.iter().map(line).collect()
}

/// Returns all groups as `display name (members)`. Absent groups begin with `-`.
pub(crate) async fn groups(server: &TestServer, org: &Org<'_>) -> Vec<String> {
    let request = ListGroupsRequest { parent: org.name(), ..Default::default() };
    let listed = server.directory().list_groups(request).await.unwrap().into_inner().groups;
    let gone = |present: bool| if present { "" } else { "-" };
    listed
        .iter()
        .map(|group| format!("{}{} ({})", gone(group.present), group.display_name, group.member_count))
        .collect()
}

pub(crate) async fn revision(server: &TestServer, org: &Org<'_>) -> String {
    let request = GetOrganizationRequest { name: org.name(), ..Default::default() };
    server.organizations().get_organization(request).await.unwrap().into_inner().revision
}

/// Updates the fields of the organization.
pub(crate) async fn change(server: &TestServer, org: &Org<'_>, organization: Organization) {
    let organization = Some(Organization { name: org.name(), ..organization });
    let request = UpdateOrganizationRequest { organization, ..Default::default() };
    server.organizations().update_organization(request).await.unwrap();
}

/// Returns the rejected rows, as `kind key`.
pub(crate) fn rejected(response: &SyncDirectoryResponse) -> Vec<String> {
    assert_eq!(response.rejected_count, i32::try_from(response.rejected.len()).unwrap());
    assert!(response.rejected.iter().all(|row| !row.reason.is_empty()));
    response.rejected.iter().map(|row| format!("{} {}", row.kind, row.key)).collect()
}
