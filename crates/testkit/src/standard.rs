//! A small standard organization with at least one resource of each kind, and request templates: JSON with
//! placeholders.

use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::{contract::Rpc, server::TestServer};

/// The migration history of a standard organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationHistory {
    /// Created in phase MIGRATED.
    CreatedMigrated,
    /// In phase LEGACY, with legacy settings.
    Legacy,
    /// Migrated by the job. `sales` and `eng` are mixed.
    MigratedByJob,
    /// Migrated by the job, and rolled back.
    RolledBack,
}

/// An organization with five members in three groups, a catalog, and two assignments:
///
/// * `sales`, automatic, for the group `sales`. Its members are `bob`, `cid`, and the inactive `eve`.
/// * `eng`, manual, for the group `eng`. Its members are `ada`, and `dot`, who is pinned to it.
///
/// One that the job has migrated also has `late`, after these, for the group `sales`: no member can match it.
///
/// The legacy settings of `ada` and `bob` are `EXPORT`. The self-check of the organization was made, and found nothing.
pub struct StandardOrganization {
    channel: Channel,
    id: String,
}

impl StandardOrganization {
    /// Creates the organization through the API.
    ///
    /// # Errors
    /// A description of the call that was refused.
    pub async fn create(server: &TestServer, id: &str, history: MigrationHistory) -> Result<Self, String> {
        let standard = Self { channel: server.channel(), id: id.to_owned() };
        let legacy = history != MigrationHistory::CreatedMigrated;
        let phase = if legacy { "PHASE_LEGACY" } else { "PHASE_MIGRATED" };
        let create = json!({ "organization_id": id, "organization": { "display_name": id, "phase": phase } });
        standard.make("OrganizationService/CreateOrganization", &create.to_string()).await?;
        standard.make("OrganizationService/UpdateCatalog", CATALOG).await?;
        standard.make("DirectoryService/SyncDirectory", DIRECTORY).await?;
        let export = |value: &str| if legacy { "EMAIL_EXPORT_UNSPECIFIED".to_owned() } else { value.to_owned() };
        for (id, mode, value) in [
            ("sales", "UPDATE_MODE_AUTOMATIC_UPDATES", "EMAIL_EXPORT_EXPORT"),
            ("eng", "UPDATE_MODE_MANUAL_EDITING", "EMAIL_EXPORT_DO_NOT_EXPORT"),
        ] {
            let assignment = json!({
                "display_name": id, "groups": [format!("$org/groups/{id}")], "update_mode": mode,
                "settings": { "seats": ["gong"] }, "email_export": export(value),
            });
            let create = json!({ "parent": "$org", "assignment_id": id, "assignment": assignment });
            standard.make("AssignmentService/CreateAssignment", &create.to_string()).await?;
        }
        standard.make("MemberService/MoveMembers", PIN).await?;
        if legacy {
            standard.make("MigrationService/ImportLegacySettings", LEGACY_SETTINGS).await?;
        }
        if history == MigrationHistory::MigratedByJob {
            standard.make("AssignmentService/CreateAssignment", UNMATCHABLE).await?;
        }
        if matches!(history, MigrationHistory::MigratedByJob | MigrationHistory::RolledBack) {
            standard.make("JobService/RunJob", r#"{"name": "jobs/settings-migration"}"#).await?;
        }
        if history == MigrationHistory::RolledBack {
            standard.make("MigrationService/RollBackMigration", r#"{"name": "$org/migration"}"#).await?;
        }
        let checked = standard.make("OrganizationService/CheckOrganization", r#"{"name": "$org"}"#).await?;
        match checked.pointer("/self_check/differences") {
            Some(differences) if differences != &json!([]) => Err(format!("the self-check found {differences}")),
            _ => Ok(standard),
        }
    }

    /// Returns the id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns a request from its template. The placeholders are `$org`, the name of the organization; `$id`, its id;
    /// `$catalog_etag` and `$order_etag`, the current etags; `$revision`, the current revision; `$run`, the newest run of
    /// the report job; and `$report`, the newest report.
    ///
    /// # Errors
    /// A description of the call that was refused.
    pub async fn request(&self, template: &str) -> Result<Value, String> {
        let mut text = template.replace("$org", &format!("organizations/{}", self.id)).replace("$id", &self.id);
        for (placeholder, rpc, request, pointer) in PLACEHOLDERS {
            if text.contains(placeholder) {
                let request = request.replace("$org", &format!("organizations/{}", self.id));
                let answer = self.call(rpc, &serde_json::from_str(&request).unwrap()).await?;
                let value = answer.pointer(pointer).and_then(Value::as_str);
                text =
                    text.replace(placeholder, value.ok_or_else(|| format!("the response of {rpc} has no {pointer}"))?);
            }
        }
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")))
    }

    /// Makes a call from a request template.
    ///
    /// # Errors
    /// A description of the call that was refused.
    pub async fn make(&self, rpc: &str, template: &str) -> Result<Value, String> {
        self.call(rpc, &self.request(template).await?).await
    }

    async fn call(&self, rpc: &str, request: &Value) -> Result<Value, String> {
        let answer = Rpc::find(rpc).call(&self.channel, request).await;
        answer.map_err(|status| format!("{rpc} {request}: {:?} {}", status.code(), status.message()))
    }
}

/// Each placeholder with the RPC, its request, and the JSON pointer of the value in the response.
const PLACEHOLDERS: [(&str, &str, &str, &str); 5] = [
    ("$catalog_etag", "OrganizationService/GetCatalog", r#"{"name": "$org/catalog"}"#, "/catalog/etag"),
    ("$order_etag", "AssignmentService/ListAssignments", r#"{"parent": "$org"}"#, "/etag"),
    ("$revision", "OrganizationService/GetOrganization", r#"{"name": "$org"}"#, "/revision"),
    ("$run", "JobService/ListJobRuns", r#"{"parent": "jobs/mixed-settings-report"}"#, "/runs/0/name"),
    ("$report", "ReportService/ListReports", "{}", "/reports/0/name"),
];

/// The request that sets the catalog.
const CATALOG: &str = r#"{"catalog": {
    "name": "$org/catalog",
    "seat_types": [{"seat_type": "gong"}, {"seat_type": "forecast", "requires": ["gong"]}, {"seat_type": "engage"}],
    "workspaces": [{"workspace": "emea", "profiles": [{"profile": "seller"}, {"profile": "manager"}]}],
    "etag": "$catalog_etag"
}}"#;

const DIRECTORY: &str = r#"{
    "parent": "$org", "mode": "SYNC_MODE_FULL",
    "members": [
        {"member": "ada", "email": "ada@$id.example", "given_name": "Ada", "status": "MEMBER_STATUS_ACTIVE"},
        {"member": "bob", "email": "bob@$id.example", "given_name": "Bob", "status": "MEMBER_STATUS_ACTIVE"},
        {"member": "cid", "email": "cid@$id.example", "given_name": "Cid", "status": "MEMBER_STATUS_ACTIVE"},
        {"member": "dot", "email": "dot@$id.example", "given_name": "Dot", "status": "MEMBER_STATUS_ACTIVE"},
        {"member": "eve", "email": "eve@$id.example", "given_name": "Eve", "status": "MEMBER_STATUS_INACTIVE"}
    ],
    "groups": [{"group": "eng"}, {"group": "sales"}, {"group": "idle"}],
    "memberships": [
        {"group": "eng", "member": "ada"}, {"group": "eng", "member": "bob"}, {"group": "sales", "member": "bob"},
        {"group": "sales", "member": "cid"}, {"group": "sales", "member": "eve"}
    ]
}"#;

const UNMATCHABLE: &str = r#"{"parent": "$org", "assignment_id": "late", "assignment": {
    "display_name": "late", "groups": ["$org/groups/sales"], "update_mode": "UPDATE_MODE_AUTOMATIC_UPDATES"
}}"#;

const PIN: &str = r#"{
    "parent": "$org", "members": ["$org/members/dot"], "assignment": "$org/assignments/eng", "reason": "a standard"
}"#;

const LEGACY_SETTINGS: &str = r#"{"parent": "$org", "settings": [
    {"email": "ada@$id.example", "email_export": "EMAIL_EXPORT_EXPORT"},
    {"email": "bob@$id.example", "email_export": "EMAIL_EXPORT_EXPORT"},
    {"email": "cid@$id.example", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}
]}"#;
