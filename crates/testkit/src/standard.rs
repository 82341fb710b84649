//! A standard organization, small and with one of everything, and requests about it that are
//! written as JSON with placeholders.

use serde_json::{Value, json};
use tonic::transport::Channel;

use crate::{TestServer, contract::Rpc};

/// What an organization has been through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It was created in phase MIGRATED.
    Migrated,
    /// It is in phase LEGACY, with old settings.
    Legacy,
    /// It was migrated by the job: `sales` and `eng` came out mixed.
    Carried,
    /// Its migration was rolled back.
    RolledBack,
}

/// An organization with five members in three groups, a catalog, and two assignments:
///
/// * `sales`, automatic, for the group `sales`: has `bob`, `cid` and `eve`, who is inactive;
/// * `eng`, manual, for the group `eng`: has `ada`, and `dot`, who is pinned to it.
///
/// Old settings let `ada` and `bob` export, and nobody else.
pub struct Standard {
    channel: Channel,
    id: String,
}

impl Standard {
    /// Makes one, through the API.
    ///
    /// # Errors
    /// What was refused.
    pub async fn create(server: &TestServer, id: &str, past: Past) -> Result<Self, String> {
        let standard = Self { channel: server.channel(), id: id.to_owned() };
        let legacy = past != Past::Migrated;
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
            standard.make("MigrationService/ImportLegacySettings", OLD_SETTINGS).await?;
        }
        if matches!(past, Past::Carried | Past::RolledBack) {
            standard.make("JobService/RunJob", r#"{"name": "jobs/settings-migration"}"#).await?;
        }
        if past == Past::RolledBack {
            standard.make("MigrationService/RollBackMigration", r#"{"name": "$org/migration"}"#).await?;
        }
        Ok(standard)
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A request from its JSON, in which `$org` stands for the organization's name, `$id` for its
    /// id, `$catalog_etag` and `$order_etag` for what they are now, `$run` for the newest run of
    /// the report job and `$report` for the newest report.
    ///
    /// # Errors
    /// What was refused.
    pub async fn request(&self, template: &str) -> Result<Value, String> {
        let mut text = template.replace("$org", &format!("organizations/{}", self.id)).replace("$id", &self.id);
        for (placeholder, rpc, asked, pointer) in PLACEHOLDERS {
            if text.contains(placeholder) {
                let asked = asked.replace("$org", &format!("organizations/{}", self.id));
                let answer = self.call(rpc, &serde_json::from_str(&asked).unwrap()).await?;
                let value = answer.pointer(pointer).and_then(Value::as_str);
                text = text.replace(placeholder, value.ok_or_else(|| format!("{rpc} answers no {pointer}"))?);
            }
        }
        Ok(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")))
    }

    /// Makes a call that succeeds.
    ///
    /// # Errors
    /// What was refused.
    pub async fn make(&self, rpc: &str, template: &str) -> Result<Value, String> {
        self.call(rpc, &self.request(template).await?).await
    }

    async fn call(&self, rpc: &str, request: &Value) -> Result<Value, String> {
        let answer = Rpc::find(rpc).call(&self.channel, request).await;
        answer.map_err(|status| format!("{rpc} {request}: {:?} {}", status.code(), status.message()))
    }
}

/// Each with the call that tells it, and where in the answer.
const PLACEHOLDERS: [(&str, &str, &str, &str); 4] = [
    ("$catalog_etag", "OrganizationService/GetCatalog", r#"{"name": "$org/catalog"}"#, "/catalog/etag"),
    ("$order_etag", "AssignmentService/ListAssignments", r#"{"parent": "$org"}"#, "/etag"),
    ("$run", "JobService/ListJobRuns", r#"{"parent": "jobs/mixed-settings-report"}"#, "/runs/0/name"),
    ("$report", "ReportService/ListReports", "{}", "/reports/0/name"),
];

/// The request that gives a standard organization its catalog.
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

const PIN: &str = r#"{
    "parent": "$org", "members": ["$org/members/dot"], "assignment": "$org/assignments/eng", "reason": "a standard"
}"#;

const OLD_SETTINGS: &str = r#"{"parent": "$org", "settings": [
    {"email": "ada@$id.example", "email_export": "EMAIL_EXPORT_EXPORT"},
    {"email": "bob@$id.example", "email_export": "EMAIL_EXPORT_EXPORT"},
    {"email": "cid@$id.example", "email_export": "EMAIL_EXPORT_DO_NOT_EXPORT"}
]}"#;
