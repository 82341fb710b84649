//! The steps as calls of the API of the service.

use rollcall_bench::{
    Result,
    directory::{EVERYONE, SampleDirectory, Size},
    requests::{create_assignment, settings},
};
use rollcall_proto::v1::{
    self, Assignment, EmailExport, Phase, Settings, SyncDirectoryRequest, SyncDirectoryResponse,
    assignment_service_client::AssignmentServiceClient, directory_service_client::DirectoryServiceClient,
    organization_service_client::OrganizationServiceClient,
};
use tonic::transport::Channel;

/// The number of assignments before every member enters one more.
pub(crate) const ASSIGNMENTS: usize = 20;
/// The assignment that every member enters.
pub(crate) const ENTERED: &str = "everyone";
/// The number of warm-up changes. Postgres keeps a plan from the sixth execution on.
const WARM_UPS: usize = 12;

/// An organization of the service.
#[derive(Clone, Debug)]
pub(crate) struct BulkOrganization {
    channel: Channel,
    /// The id.
    pub(crate) id: String,
}

impl BulkOrganization {
    /// Creates an organization with its assignments and their groups.
    pub(crate) async fn create(channel: Channel, id: String, directory: &SampleDirectory) -> Result<Self> {
        let this = Self::create_empty(channel, id).await?;
        this.sync(vec![directory.named_groups(&this.name())]).await?;
        for index in 0..ASSIGNMENTS {
            let groups = directory.groups_of_assignment(index);
            let export = if index % 2 == 0 { EmailExport::Export } else { EmailExport::DoNotExport };
            this.assign(format!("a-{index:02}"), groups, settings(index), export, 0).await?;
        }
        Ok(this)
    }

    async fn create_empty(channel: Channel, id: String) -> Result<Self> {
        let organization = v1::Organization { phase: Phase::Migrated.into(), ..Default::default() };
        let request = v1::CreateOrganizationRequest {
            organization_id: id.clone(),
            organization: Some(organization),
            ..Default::default()
        };
        OrganizationServiceClient::new(channel.clone()).create_organization(request).await?;
        Ok(Self { channel, id })
    }

    /// Creates a small organization, and changes it so often that Postgres keeps the plans.
    pub(crate) async fn warm_up(channel: Channel, id: String) -> Result {
        let this = Self::create_empty(channel, id).await?;
        let small =
            SampleDirectory::generate(Size { members: WARM_UPS, groups: 4 * ASSIGNMENTS, assignments: ASSIGNMENTS });
        this.sync(vec![small.named_groups(&this.name())]).await?;
        this.enter(&small).await?;
        for index in 0..WARM_UPS {
            this.sync(vec![small.member_sync(&this.name(), index)]).await?;
            this.choose(if index % 2 == 0 { EmailExport::Export } else { EmailExport::DoNotExport }).await?;
        }
        Ok(())
    }

    /// The resource name.
    pub(crate) fn name(&self) -> String {
        format!("organizations/{}", self.id)
    }

    /// Sends a whole sync.
    pub(crate) async fn sync(&self, messages: Vec<SyncDirectoryRequest>) -> Result<SyncDirectoryResponse> {
        let mut client = DirectoryServiceClient::new(self.channel.clone());
        Ok(client.sync_directory(tokio_stream::iter(messages)).await?.into_inner())
    }

    /// Creates an assignment that matches every member first. Returns its number of members.
    pub(crate) async fn enter(&self, directory: &SampleDirectory) -> Result<i32> {
        let groups = [directory.groups[EVERYONE].0.as_str()].into_iter();
        let assigning = self.assign(ENTERED.to_owned(), groups, Settings::default(), EmailExport::DoNotExport, 1);
        Ok(assigning.await?.member_count)
    }

    /// Chooses a value for the members of that assignment. Returns how many active members have EXPORT, and how many have
    /// not.
    pub(crate) async fn choose(&self, value: EmailExport) -> Result<(i32, i32)> {
        let assignment = Assignment {
            name: format!("organizations/{}/assignments/{ENTERED}", self.id),
            email_export: value.into(),
            ..Default::default()
        };
        let request = v1::UpdateAssignmentRequest { assignment: Some(assignment), ..Default::default() };
        let answered = AssignmentServiceClient::new(self.channel.clone()).update_assignment(request).await?;
        let summary = answered.into_inner().assignment.and_then(|updated| updated.email_export_summary);
        let summary = summary.ok_or("the answer has no summary")?;
        Ok((summary.exporting, summary.not_exporting))
    }

    async fn assign<'a>(
        &self,
        id: String,
        groups: impl Iterator<Item = &'a str>,
        settings: Settings,
        export: EmailExport,
        position: i32,
    ) -> Result<Assignment> {
        let request = create_assignment(&self.name(), id, groups, settings, export, position);
        let answered = AssignmentServiceClient::new(self.channel.clone()).create_assignment(request).await?;
        Ok(answered.into_inner().assignment.ok_or("the answer has no assignment")?)
    }
}
