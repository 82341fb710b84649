//! A scene: a database with an organization of a certain size, and with a number of other organizations.

use std::fmt;

use prost::Message as _;
use rollcall_bench::{
    Result,
    directory::{SampleDirectory, Size},
    postgres::{BenchDatabase, Postgres},
    requests::{create_assignment, settings},
    seed,
    server::ServerProcess,
};
use rollcall_proto::v1::{
    EmailExport, SyncDirectoryRequest, assignment_service_client::AssignmentServiceClient,
    directory_service_client::DirectoryServiceClient,
};
use rollcall_testkit::contract::Rpc;
use serde_json::{Value, json};

use crate::calls::GrowthCall;

/// The id of the organization, in phase MIGRATED.
pub(crate) const BENCH: &str = "bench";
/// The id of the organization of the same size in phase LEGACY.
const OLD: &str = "old";
/// The number of members of each other organization.
const OTHER_MEMBERS: i32 = 10;

/// What a scene has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) members: usize,
    pub(crate) assignments: usize,
    pub(crate) organizations: usize,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { members, assignments, organizations } = self;
        write!(f, "{members} members, {assignments} assignments, {organizations} organizations")
    }
}

/// A scene with its server.
pub(crate) struct BuiltScene {
    pub(crate) database: BenchDatabase,
    pub(crate) server: ServerProcess,
    pub(crate) directory: SampleDirectory,
    scene: Scene,
}

impl Scene {
    /// Creates the organizations. Assignments are created first, so that members enter them with one sync.
    pub(crate) async fn build(self, postgres: &Postgres) -> Result<BuiltScene> {
        let database = postgres.database("growth", false).await?;
        seed::organizations(&database.client, i32::try_from(self.organizations)? - 1, "MIGRATED", OTHER_MEMBERS)
            .await?;
        let server = ServerProcess::start(&database.url, &postgres.dir().join("reports"), &[]).await?;
        let groups = (self.members / 100).max(4 * self.assignments);
        let size = Size { members: self.members, groups, assignments: self.assignments };
        let built = BuiltScene { database, server, directory: SampleDirectory::generate(size), scene: self };
        built.create_organizations().await?;
        built.make("OrganizationService/CheckOrganization", &json!({ "name": organization(BENCH) })).await?;
        let run = json!({ "name": "jobs/mixed-settings-report", "wait_timeout": "60s" });
        built.make("JobService/RunJob", &run).await?;
        built.database.settle().await?;
        Ok(built)
    }
}

impl BuiltScene {
    async fn create_organizations(&self) -> Result {
        for (id, phase) in [(BENCH, "PHASE_MIGRATED"), (OLD, "PHASE_LEGACY")] {
            let request = json!({ "organization_id": id, "organization": { "phase": phase } });
            self.make("OrganizationService/CreateOrganization", &request).await?;
        }
        let parent = organization(BENCH);
        self.sync(vec![self.directory.named_groups(&parent)]).await?;
        let mut client = AssignmentServiceClient::new(self.server.channel.clone());
        for index in 0..self.scene.assignments {
            let (id, groups) = (format!("a-{index:04}"), self.directory.groups_of_assignment(index));
            let (settings, export) = (settings(index % 8), EmailExport::DoNotExport);
            client.create_assignment(create_assignment(&parent, id, groups, settings, export, 0)).await?;
        }
        let manual = json!({ "parent": parent, "assignment_id": "manual", "assignment": {
            "display_name": "Manual", "update_mode": "UPDATE_MODE_MANUAL_EDITING",
            "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"
        } });
        self.make("AssignmentService/CreateAssignment", &manual).await?;
        self.sync(self.full_sync()).await?;
        self.sync(self.directory.full_sync(&organization(OLD))).await
    }

    /// Returns the sync of the whole directory.
    pub(crate) fn full_sync(&self) -> Vec<SyncDirectoryRequest> {
        self.directory.full_sync(&organization(BENCH))
    }

    /// Sends the messages of a sync.
    pub(crate) async fn sync(&self, messages: Vec<SyncDirectoryRequest>) -> Result {
        let mut client = DirectoryServiceClient::new(self.server.channel.clone());
        client.sync_directory(tokio_stream::iter(messages)).await?;
        Ok(())
    }

    /// Returns the encoded request of a call.
    pub(crate) async fn encode(&self, call: &GrowthCall, number: u32) -> Result<Vec<u8>> {
        let mut text = call.request.to_owned();
        let value = if number.is_multiple_of(2) { "EMAIL_EXPORT_EXPORT" } else { "EMAIL_EXPORT_DO_NOT_EXPORT" };
        let people = &self.directory.people;
        let member = |place: usize| people[place * people.len() / 10].id.clone();
        let known = [
            ("$org", organization(BENCH)),
            ("$old", organization(OLD)),
            ("$value", value.to_owned()),
            ("$email", people[people.len() / 2].email.clone()),
            ("$group", self.directory.groups[0].0.clone()),
            ("$last", (self.scene.assignments + 2).to_string()),
            ("$n", number.to_string()),
        ];
        for place in 0..5 {
            text = text.replace(&format!("$m{place}"), &member(place));
        }
        for placeholder in ["$catalog_etag", "$order_etag", "$order", "$report", "$run"] {
            if text.contains(placeholder) {
                text = text.replace(placeholder, &self.current(placeholder).await?);
            }
        }
        for (placeholder, value) in known {
            text = text.replace(placeholder, &value);
        }
        Ok(Rpc::find(call.rpc).request(&serde_json::from_str(&text)?).encode_to_vec())
    }

    /// Makes an encoded call, and reads its answer to the end.
    pub(crate) async fn call(&self, call: &GrowthCall, request: Vec<u8>) -> Result {
        let answer = Rpc::find(call.rpc).call_bytes(&self.server.channel, request).await;
        answer.map_err(|status| format!("{}, {}: {status}", call.rpc, call.what))?;
        Ok(())
    }

    async fn make(&self, rpc: &str, request: &Value) -> Result<Value> {
        let answer = Rpc::find(rpc).call(&self.server.channel, request).await;
        Ok(answer.map_err(|status| format!("{rpc}: {status}"))?)
    }

    /// Returns what a placeholder stands for at this moment.
    async fn current(&self, placeholder: &str) -> Result<String> {
        let parent = organization(BENCH);
        if placeholder == "$order" {
            return self.order().await;
        }
        let (rpc, request, pointer) = match placeholder {
            "$catalog_etag" => {
                ("OrganizationService/GetCatalog", json!({ "name": format!("{parent}/catalog") }), "/catalog/etag")
            }
            "$order_etag" => {
                ("AssignmentService/ListAssignments", json!({ "parent": parent, "page_size": 1 }), "/etag")
            }
            "$report" => ("ReportService/ListReports", json!({ "page_size": 1 }), "/reports/0/name"),
            _ => ("JobService/ListJobRuns", json!({ "parent": "jobs/mixed-settings-report" }), "/runs/0/name"),
        };
        let answer = self.make(rpc, &request).await?;
        let found = answer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Ok(found.ok_or_else(|| format!("the response of {rpc} has no {pointer}"))?)
    }

    /// Returns the names of all listed assignments in order, as JSON.
    async fn order(&self) -> Result<String> {
        let (mut names, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = json!({ "parent": organization(BENCH), "page_size": 1_000, "page_token": page_token });
            let page = self.make("AssignmentService/ListAssignments", &request).await?;
            let listed = page["assignments"].as_array().into_iter().flatten();
            names.extend(listed.filter_map(|assignment| assignment["name"].as_str().map(str::to_owned)));
            page_token = page["next_page_token"].as_str().unwrap_or_default().to_owned();
            if page_token.is_empty() {
                names.retain(|name| !name.ends_with("/default"));
                return Ok(serde_json::to_string(&names)?);
            }
        }
    }

    /// Stops the server.
    pub(crate) async fn stop(self) -> Result {
        self.server.stop().await
    }
}

fn organization(id: &str) -> String {
    format!("organizations/{id}")
}
