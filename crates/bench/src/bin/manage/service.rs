//! The steps as calls of the API of the service.

use rollcall_bench::{
    Result,
    directory::SampleDirectory,
    requests::{create_assignment, settings},
};
use rollcall_proto::v1::{
    self, EmailExport, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient, member_service_client::MemberServiceClient,
    organization_service_client::OrganizationServiceClient,
};
use tonic::transport::Channel;

/// The organization's id.
pub(crate) const ID: &str = "bench";
const PARENT: &str = "organizations/bench";

/// The service, with the organization in it.
#[derive(Clone, Debug)]
pub(crate) struct ManagedService {
    channel: Channel,
}

impl ManagedService {
    /// Creates the organization: assignments first, so that members enter them with one sync.
    pub(crate) async fn create(channel: Channel, directory: &SampleDirectory) -> Result<Self> {
        let request = v1::CreateOrganizationRequest { organization_id: ID.to_owned(), ..Default::default() };
        OrganizationServiceClient::new(channel.clone()).create_organization(request).await?;
        let mut syncs = DirectoryServiceClient::new(channel.clone());
        syncs.sync_directory(tokio_stream::iter([directory.named_groups(PARENT)])).await?;
        let mut assignments = AssignmentServiceClient::new(channel.clone());
        for index in 0..directory.size.assignments {
            let (id, groups) = (format!("a-{index:04}"), directory.groups_of_assignment(index));
            let (settings, export) = (settings(index % 8), EmailExport::DoNotExport);
            assignments.create_assignment(create_assignment(PARENT, id, groups, settings, export, 0)).await?;
        }
        syncs.sync_directory(tokio_stream::iter(directory.full_sync(PARENT))).await?;
        Ok(Self { channel })
    }

    /// Explains members one after the other.
    pub(crate) async fn explain(&self, members: &[&str]) -> Result {
        let mut client = MemberServiceClient::new(self.channel.clone());
        for member in members {
            let name = format!("{PARENT}/members/{member}");
            client.explain_member(v1::ExplainMemberRequest { name, ..Default::default() }).await?;
        }
        Ok(())
    }

    /// Lists all members in pages of 500, and returns their number.
    pub(crate) async fn list(&self) -> Result<usize> {
        let mut client = MemberServiceClient::new(self.channel.clone()).max_decoding_message_size(64 << 20);
        let (mut count, mut page_token) = (0, String::new());
        loop {
            let request =
                v1::ListMembersRequest { parent: PARENT.to_owned(), page_size: 500, page_token, ..Default::default() };
            let page = client.list_members(request).await?.into_inner();
            count += page.members.len();
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return Ok(count);
            }
        }
    }

    /// Returns the ids of the listed assignments, in order, with the etag of the order.
    pub(crate) async fn order(&self) -> Result<(Vec<String>, String)> {
        let request = v1::ListAssignmentsRequest { parent: PARENT.to_owned(), page_size: 1_000, ..Default::default() };
        let listed = AssignmentServiceClient::new(self.channel.clone()).list_assignments(request).await?.into_inner();
        let ids = listed.assignments.iter().filter_map(|assignment| assignment.name.rsplit('/').next());
        let ids = ids.filter(|id| *id != "default").map(str::to_owned).collect();
        Ok((ids, listed.etag))
    }

    /// Previews a new order, then applies it. Returns how many members change assignment.
    pub(crate) async fn reorder(&self, ids: &[String], etag: String) -> Result<i32> {
        let mut client = AssignmentServiceClient::new(self.channel.clone());
        let mut request = v1::ReorderAssignmentsRequest {
            parent: PARENT.to_owned(),
            assignments: ids.iter().map(|id| format!("{PARENT}/assignments/{id}")).collect(),
            etag,
            validate_only: true,
            ..Default::default()
        };
        let preview = client.reorder_assignments(request.clone()).await?.into_inner().preview;
        request.validate_only = false;
        client.reorder_assignments(request).await?;
        Ok(preview.unwrap_or_default().assignment_changes)
    }
}
