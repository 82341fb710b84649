//! An organization for a test, created through the API.

use rollcall_proto::v1::{self, EmailExport, JobRunState, Phase, SyncMode, UpdateMode};

use crate::server::TestServer;

/// The row of a member for a sync.
#[derive(Clone, Debug)]
pub struct Member {
    /// The external id.
    pub id: &'static str,
    /// The ids of the groups.
    pub groups: &'static [&'static str],
    /// Whether the member is active.
    pub active: bool,
}

impl Member {
    /// Creates an active member.
    #[must_use]
    pub const fn new(id: &'static str, groups: &'static [&'static str]) -> Self {
        Self { id, groups, active: true }
    }

    /// Returns the member as inactive.
    #[must_use]
    pub const fn inactive(self) -> Self {
        Self { active: false, ..self }
    }
}

/// An organization on a server.
#[derive(Clone, Copy)]
pub struct Org<'a> {
    server: &'a TestServer,
    id: &'a str,
}

impl<'a> Org<'a> {
    /// Creates an organization.
    pub async fn create(server: &'a TestServer, id: &'a str, phase: Phase) -> Self {
        let organization = v1::Organization { phase: phase.into(), ..Default::default() };
        let request = v1::CreateOrganizationRequest {
            organization_id: id.to_owned(),
            organization: Some(organization),
            ..Default::default()
        };
        server.organizations().create_organization(request).await.unwrap();
        Self { server, id }
    }

    /// Returns the name of the organization.
    pub fn name(&self) -> String {
        format!("organizations/{}", self.id)
    }

    /// Returns the name of an assignment.
    pub fn assignment(&self, id: &str) -> String {
        format!("organizations/{}/assignments/{id}", self.id)
    }

    /// Returns the name of a member.
    pub fn member(&self, id: &str) -> String {
        format!("organizations/{}/members/{id}", self.id)
    }

    /// Returns the name of a group.
    pub fn group(&self, id: &str) -> String {
        format!("organizations/{}/groups/{id}", self.id)
    }

    /// Syncs 10,000 members, `member-0` to `member-9999`, of the group `eng`, of which each has a long row: an export of them
    /// does not fit into the buffers of a connection.
    pub async fn sync_large(&self) {
        let id = |number: u32| format!("member-{number}");
        let member = |number: u32| v1::DirectoryMember {
            member: id(number),
            email: format!("member-{number}@{}.example", self.id),
            job_title: "t".repeat(200),
            family_name: "f".repeat(100),
            status: v1::MemberStatus::Active.into(),
            ..Default::default()
        };
        let request = v1::SyncDirectoryRequest {
            parent: self.name(),
            mode: v1::SyncMode::Full.into(),
            members: (0..10_000).map(member).collect(),
            groups: vec![v1::DirectoryGroup { group: "eng".to_owned(), ..Default::default() }],
            memberships: (0..10_000)
                .map(|number| v1::Membership { group: "eng".to_owned(), member: id(number) })
                .collect(),
            ..Default::default()
        };
        let synced = self.server.directory().sync_directory(tokio_stream::once(request)).await.unwrap().into_inner();
        assert_eq!((synced.rejected_count, synced.counts.unwrap().members_created), (0, 10_000));
    }

    /// Returns the request of a full sync of these members and their groups.
    pub fn full_sync(&self, members: &[Member]) -> v1::SyncDirectoryRequest {
        let mut groups: Vec<&str> = members.iter().flat_map(|member| member.groups).copied().collect();
        groups.sort_unstable();
        groups.dedup();
        let group = |group: &str| v1::DirectoryGroup { group: group.to_owned(), display_name: String::new() };
        let memberships = members.iter().flat_map(|member| {
            let membership = |group: &&str| v1::Membership { group: (*group).to_owned(), member: member.id.to_owned() };
            member.groups.iter().map(membership)
        });
        v1::SyncDirectoryRequest {
            parent: self.name(),
            mode: SyncMode::Full.into(),
            members: members.iter().map(|member| self.row(member)).collect(),
            groups: groups.into_iter().map(group).collect(),
            memberships: memberships.collect(),
            ..Default::default()
        }
    }

    /// Returns the row of a member in a sync.
    pub fn row(&self, member: &Member) -> v1::DirectoryMember {
        let status = if member.active { v1::MemberStatus::Active } else { v1::MemberStatus::Inactive };
        v1::DirectoryMember {
            member: member.id.to_owned(),
            email: self.email(member.id),
            given_name: "Given".to_owned(),
            family_name: member.id.to_owned(),
            status: status.into(),
            ..Default::default()
        }
    }

    /// Returns the address of a member.
    pub fn email(&self, member: &str) -> String {
        format!("{member}@{}.example", self.id)
    }

    /// Makes a full sync of these members and their groups.
    pub async fn sync(&self, members: &[Member]) -> v1::SyncDirectoryResponse {
        let stream = tokio_stream::once(self.full_sync(members));
        self.server.directory().sync_directory(stream).await.unwrap().into_inner()
    }

    /// Returns the request that creates an assignment at the end of the list.
    pub fn new_assignment(
        &self,
        id: &str,
        groups: &[&str],
        mode: UpdateMode,
        export: Option<EmailExport>,
    ) -> v1::CreateAssignmentRequest {
        v1::CreateAssignmentRequest {
            parent: self.name(),
            assignment_id: id.to_owned(),
            assignment: Some(v1::Assignment {
                display_name: id.to_owned(),
                groups: groups.iter().map(|group| self.group(group)).collect(),
                update_mode: mode.into(),
                email_export: export.unwrap_or_default().into(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// Creates an assignment at the end of the list.
    pub async fn assign(
        &self,
        id: &str,
        groups: &[&str],
        mode: UpdateMode,
        export: Option<EmailExport>,
    ) -> v1::Assignment {
        let request = self.new_assignment(id, groups, mode, export);
        let response = self.server.assignments().create_assignment(request).await.unwrap();
        response.into_inner().assignment.unwrap()
    }

    /// Imports legacy settings, by member.
    pub async fn import(&self, settings: &[(&str, bool)]) -> v1::ImportLegacySettingsResponse {
        let value = |export: bool| if export { EmailExport::Export } else { EmailExport::DoNotExport };
        let row = |(member, export): &(&str, bool)| v1::LegacySetting {
            email: self.email(member),
            email_export: value(*export).into(),
        };
        let request = v1::ImportLegacySettingsRequest {
            parent: self.name(),
            settings: settings.iter().map(row).collect(),
            ..Default::default()
        };
        let stream = tokio_stream::once(request);
        self.server.migration().import_legacy_settings(stream).await.unwrap().into_inner()
    }

    /// Runs the migration job. Returns the migration of the organization.
    pub async fn migrate(&self) -> v1::Migration {
        self.run_job("settings-migration").await;
        let name = format!("{}/migration", self.name());
        let request = v1::GetMigrationRequest { name, ..Default::default() };
        self.server.migration().get_migration(request).await.unwrap().into_inner().migration.unwrap()
    }

    /// Runs a job, which must succeed.
    pub async fn run_job(&self, job: &str) -> v1::JobRun {
        let request = v1::RunJobRequest { name: format!("jobs/{job}"), ..Default::default() };
        let run = self.server.jobs().run_job(request).await.unwrap().into_inner().run.unwrap();
        assert_eq!(run.state(), JobRunState::Succeeded, "{run:?}");
        run
    }

    /// Reads an assignment.
    pub async fn get_assignment(&self, id: &str) -> v1::Assignment {
        let request = v1::GetAssignmentRequest { name: self.assignment(id), ..Default::default() };
        self.server.assignments().get_assignment(request).await.unwrap().into_inner().assignment.unwrap()
    }

    /// Reads a member.
    pub async fn get_member(&self, id: &str) -> v1::Member {
        let request = v1::GetMemberRequest { name: self.member(id), ..Default::default() };
        self.server.members().get_member(request).await.unwrap().into_inner().member.unwrap()
    }

    /// Checks whether the email of a member may be exported.
    pub async fn check(&self, member: &str, sent: Option<std::time::SystemTime>) -> v1::CheckEmailExportResponse {
        let request = v1::CheckEmailExportRequest { sent_time: sent.map(Into::into), ..self.check_request(member) };
        self.server.email_export().check_email_export(request).await.unwrap().into_inner()
    }

    /// Checks whether the email of a member may be exported, after another process has made a change.
    pub async fn check_in_store(&self, member: &str) -> v1::CheckEmailExportResponse {
        let request = v1::CheckEmailExportRequest { fully_consistent: true, ..self.check_request(member) };
        self.server.email_export().check_email_export(request).await.unwrap().into_inner()
    }

    fn check_request(&self, member: &str) -> v1::CheckEmailExportRequest {
        v1::CheckEmailExportRequest {
            parent: self.name(),
            subject: Some(v1::check_email_export_request::Subject::Email(self.email(member))),
            ..Default::default()
        }
    }
}

/// Returns settings that give nothing, as a response shows them.
pub fn no_settings() -> v1::Settings {
    v1::Settings {
        home_workspace: Some(String::new()),
        data_capture: Some(v1::DataCapture {
            web_conferences_recorded: Some(false),
            prevent_web_conference_recording: Some(false),
            telephony_calls_imported: Some(false),
            emails_imported: Some(false),
            prevent_email_import: Some(false),
            non_recorded_meetings_imported: Some(false),
            gong_connect_enabled: Some(false),
        }),
        ..Default::default()
    }
}
