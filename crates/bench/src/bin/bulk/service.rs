//! The service's side: what is measured, asked for through its own API.

use rollcall_bench::{
    Result,
    directory::{Directory, EVERYONE, Size},
};
use rollcall_proto::v1::{
    self, Assignment, DataCapture, EmailExport, Phase, Settings, SyncDirectoryRequest, SyncDirectoryResponse,
    UpdateMode, assignment_service_client::AssignmentServiceClient, directory_service_client::DirectoryServiceClient,
    organization_service_client::OrganizationServiceClient,
};
use tonic::transport::Channel;

/// How many assignments there are before everyone enters one more.
pub(crate) const ASSIGNMENTS: usize = 20;
/// The assignment that everyone enters.
pub(crate) const ENTERED: &str = "everyone";
/// Postgres keeps a plan from the sixth time on.
const WARM_UPS: usize = 12;

/// An organization of the service.
#[derive(Clone, Debug)]
pub(crate) struct Organization {
    channel: Channel,
    /// Its id.
    pub(crate) id: String,
}

impl Organization {
    /// Creates it with its assignments, and the groups that these name.
    pub(crate) async fn create(channel: Channel, id: String, directory: &Directory) -> Result<Self> {
        let this = Self::create_empty(channel, id).await?;
        this.sync(vec![directory.named_groups(&this.name())]).await?;
        for index in 0..ASSIGNMENTS {
            let groups = directory.groups_of_assignment(index).map(|group| this.group(group)).collect();
            let export = if index % 2 == 0 { EmailExport::Export } else { EmailExport::DoNotExport };
            let bit = |bit: usize| index >> bit & 1 == 1;
            let data_capture = DataCapture {
                web_conferences_recorded: bit(0),
                telephony_calls_imported: bit(1),
                emails_imported: bit(2),
                non_recorded_meetings_imported: bit(3),
                gong_connect_enabled: bit(4),
                ..Default::default()
            };
            let settings = Settings { data_capture: Some(data_capture), ..Default::default() };
            this.assign(format!("a-{index:02}"), groups, export, settings, 0).await?;
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

    /// Creates a small organization and changes it so often that Postgres keeps its plans for that.
    pub(crate) async fn warm_up(channel: Channel, id: String) -> Result {
        let this = Self::create_empty(channel, id).await?;
        let small = Directory::generate(Size { members: WARM_UPS, groups: 4 * ASSIGNMENTS, assignments: ASSIGNMENTS });
        this.sync(vec![small.named_groups(&this.name())]).await?;
        this.enter(&small).await?;
        for index in 0..WARM_UPS {
            this.sync(vec![small.member_sync(&this.name(), index)]).await?;
            this.choose(if index % 2 == 0 { EmailExport::Export } else { EmailExport::DoNotExport }).await?;
        }
        Ok(())
    }

    /// Its name.
    pub(crate) fn name(&self) -> String {
        format!("organizations/{}", self.id)
    }

    fn group(&self, id: &str) -> String {
        format!("organizations/{}/groups/{id}", self.id)
    }

    /// Sends a whole sync.
    pub(crate) async fn sync(&self, messages: Vec<SyncDirectoryRequest>) -> Result<SyncDirectoryResponse> {
        let mut client = DirectoryServiceClient::new(self.channel.clone());
        Ok(client.sync_directory(tokio_stream::iter(messages)).await?.into_inner())
    }

    /// Creates an assignment that everyone matches first.
    pub(crate) async fn enter(&self, directory: &Directory) -> Result<i32> {
        let groups = vec![self.group(&directory.groups[EVERYONE].0)];
        let made = self.assign(ENTERED.to_owned(), groups, EmailExport::DoNotExport, Settings::default(), 1);
        Ok(made.await?.member_count)
    }

    /// Chooses a value for the members of that assignment, and answers how many active ones have EXPORT and not.
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

    async fn assign(
        &self,
        assignment_id: String,
        groups: Vec<String>,
        export: EmailExport,
        settings: Settings,
        position: i32,
    ) -> Result<Assignment> {
        let assignment = Assignment {
            display_name: assignment_id.clone(),
            groups,
            update_mode: UpdateMode::AutomaticUpdates.into(),
            settings: Some(settings),
            email_export: export.into(),
            ..Default::default()
        };
        let request = v1::CreateAssignmentRequest {
            parent: self.name(),
            assignment_id,
            assignment: Some(assignment),
            position,
            ..Default::default()
        };
        let answered = AssignmentServiceClient::new(self.channel.clone()).create_assignment(request).await?;
        Ok(answered.into_inner().assignment.ok_or("the answer has no assignment")?)
    }
}
