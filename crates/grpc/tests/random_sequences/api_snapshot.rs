//! The state of an organization as the API shows it, and its comparison with the model.

use rollcall_testkit::contract::Rpc;
use serde_json::{Map, Value, json};
use tonic::transport::Channel;

use crate::model::{Model, without_defaults};

/// Fields that the model does not cover.
const UNMODELLED: [&str; 4] = ["uid", "etag", "create_time", "update_time"];

/// The state of an organization as the API shows it.
pub(crate) struct ApiSnapshot {
    pub(crate) organization: Value,
    pub(crate) catalog: Value,
    pub(crate) assignments: Value,
    pub(crate) members: Value,
    pub(crate) groups: Value,
    pub(crate) migration: Value,
    pub(crate) catalog_etag: Value,
    pub(crate) order_etag: Value,
    /// The revision tokens of all responses in order.
    pub(crate) revisions: Vec<String>,
}

impl ApiSnapshot {
    /// Reads the whole organization through the API.
    pub(crate) async fn read(channel: &Channel, id: &str) -> Result<Self, String> {
        let name = format!("organizations/{id}");
        let mut revisions = Vec::new();
        let mut read = async |rpc: &str, request: Value| {
            let answer = Rpc::find(rpc).call(channel, &request).await;
            let answer = answer.map_err(|status| format!("{rpc}: {:?} {}", status.code(), status.message()))?;
            revisions.push(answer["revision"].as_str().unwrap_or_default().to_owned());
            Ok::<_, String>(answer)
        };
        let list = |parent: &str| json!({ "parent": parent, "page_size": 1000 });
        let organization = read("OrganizationService/GetOrganization", json!({ "name": name })).await?;
        let catalog = read("OrganizationService/GetCatalog", json!({ "name": format!("{name}/catalog") })).await?;
        let assignments = read("AssignmentService/ListAssignments", list(&name)).await?;
        let members = read("MemberService/ListMembers", list(&name)).await?;
        let groups = read("DirectoryService/ListGroups", list(&name)).await?;
        let migration = read("MigrationService/GetMigration", json!({ "name": format!("{name}/migration") })).await?;
        Ok(Self {
            organization: comparable(&organization["organization"]),
            catalog: comparable(&catalog["catalog"]),
            assignments: comparable(&list_items(&assignments["assignments"])),
            members: comparable(&list_items(&members["members"])),
            groups: comparable(&list_items(&groups["groups"])),
            migration: select_fields(
                &comparable(&migration["migration"]),
                &["name", "state", "unmatched_legacy_settings"],
            ),
            catalog_etag: catalog["catalog"]["etag"].clone(),
            order_etag: assignments["etag"].clone(),
            revisions,
        })
    }

    /// Returns the first difference between this state and the model as an error.
    pub(crate) fn compare(&self, model: &Model, revision: i64) -> Result<(), String> {
        let token = self.revisions.first().cloned().unwrap_or_default();
        if self.revisions.iter().any(|other| *other != token) || revision_number(&token) != Some(revision) {
            let numbers: Vec<_> = self.revisions.iter().map(|token| revision_number(token)).collect();
            return Err(format!("the revisions are {numbers:?}, expected {revision}"));
        }
        let pairs = [
            ("organization", &self.organization, model.organization_resource()),
            ("catalog", &self.catalog, model.catalog_resource()),
            ("assignments", &self.assignments, json!(model.assignment_resources())),
            ("members", &self.members, json!(model.member_resources())),
            ("groups", &self.groups, json!(model.group_resources())),
            ("migration", &self.migration, model.migration_resource()),
        ];
        for (what, found, expected) in pairs {
            require_equal(what, &comparable(&expected), found)?;
        }
        match model.invariant_violations() {
            violations if violations.is_empty() => Ok(()),
            violations => Err(format!("violated invariants: {violations:?}")),
        }
    }
}

/// Returns the items of a list. A response omits an empty list.
fn list_items(items: &Value) -> Value {
    json!(items.as_array().cloned().unwrap_or_default())
}

/// Returns the revision number in a token. The token is opaque to clients, but not to this test.
pub(crate) fn revision_number(token: &str) -> Option<i64> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.split(':').nth(1)?.parse().ok()
}

/// Returns a value without the fields that the model does not cover, with times as microseconds.
pub(crate) fn comparable(value: &Value) -> Value {
    fn modelled(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = fields.iter().filter(|(key, _)| !UNMODELLED.contains(&key.as_str()));
                let kept = kept.map(|(key, value)| match key.as_str() {
                    // A total of 0 differs from no total.
                    "total" => (key.clone(), value.as_u64().map_or(modelled(value), |total| json!(total.to_string()))),
                    _ => (key.clone(), modelled(value)),
                });
                Value::Object(kept.collect::<Map<_, _>>())
            }
            Value::Array(values) => Value::Array(values.iter().map(modelled).collect()),
            Value::String(text) => microseconds(text).map_or_else(|| value.clone(), |time| json!(time)),
            other => other.clone(),
        }
    }
    without_defaults(&modelled(value))
}

/// Returns a timestamp in microseconds, or `None` if the text is not a timestamp.
pub(crate) fn microseconds(text: &str) -> Option<i64> {
    if !text.ends_with('Z') || text.len() < 20 || text.as_bytes()[10] != b'T' {
        return None;
    }
    Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros())
}

pub(crate) fn select_fields(value: &Value, fields: &[&str]) -> Value {
    fields.iter().filter_map(|field| Some(((*field).to_owned(), value.get(field)?.clone()))).collect()
}

/// Returns the first difference between two values as an error.
pub(crate) fn require_equal(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()) {
                require_equal(&format!("{what}.{key}"), &expected[key], &found[key])?;
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                require_equal(&format!("{what}[{index}]"), one, other)?;
            }
        }
        _ => {}
    }
    Err(format!("{what}: expected {expected}, found {found}"))
}
