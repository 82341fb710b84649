//! What the API shows of an organization, beside what the model has.

use rollcall_testkit::{
    contract::Rpc,
    model::{Model, pruned},
};
use serde_json::{Map, Value, json};
use tonic::transport::Channel;

/// What the model knows nothing of.
const UNKNOWN: [&str; 4] = ["uid", "etag", "create_time", "update_time"];

/// An organization as the API shows it.
pub(crate) struct Shown {
    pub(crate) organization: Value,
    pub(crate) catalog: Value,
    pub(crate) assignments: Value,
    pub(crate) members: Value,
    pub(crate) groups: Value,
    pub(crate) migration: Value,
    pub(crate) catalog_etag: Value,
    pub(crate) order_etag: Value,
    /// Of all answers, one after the other.
    pub(crate) revisions: Vec<String>,
}

impl Shown {
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
            assignments: comparable(&listed(&assignments["assignments"])),
            members: comparable(&listed(&members["members"])),
            groups: comparable(&listed(&groups["groups"])),
            migration: only(&comparable(&migration["migration"]), &["name", "state", "unmatched_legacy_settings"]),
            catalog_etag: catalog["catalog"]["etag"].clone(),
            order_etag: assignments["etag"].clone(),
            revisions,
        })
    }

    /// What is not as the model has it.
    pub(crate) fn differences(&self, model: &Model, revision: i64) -> Result<(), String> {
        let token = self.revisions.first().cloned().unwrap_or_default();
        if self.revisions.iter().any(|other| *other != token) || number_of(&token) != Some(revision) {
            let numbers: Vec<_> = self.revisions.iter().map(|token| number_of(token)).collect();
            return Err(format!("the revisions are {numbers:?} and should be {revision}"));
        }
        let pairs = [
            ("organization", &self.organization, model.answer_organization()),
            ("catalog", &self.catalog, model.answer_catalog()),
            ("assignments", &self.assignments, json!(model.answer_assignments())),
            ("members", &self.members, json!(model.answer_members())),
            ("groups", &self.groups, json!(model.answer_groups())),
            ("migration", &self.migration, model.answer_migration()),
        ];
        for (what, found, expected) in pairs {
            same(what, &comparable(&expected), found)?;
        }
        match model.broken_rules() {
            broken if broken.is_empty() => Ok(()),
            broken => Err(format!("what always holds does not: {broken:?}")),
        }
    }
}

/// A list without items is left out of an answer.
fn listed(items: &Value) -> Value {
    json!(items.as_array().cloned().unwrap_or_default())
}

/// The revision's number in a token. To callers it is opaque; this test belongs to its maker.
pub(crate) fn number_of(token: &str) -> Option<i64> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.split(':').nth(1)?.parse().ok()
}

/// A value without what the model does not know, with times as microseconds.
pub(crate) fn comparable(value: &Value) -> Value {
    fn known(value: &Value) -> Value {
        match value {
            Value::Object(fields) => {
                let kept = fields.iter().filter(|(key, _)| !UNKNOWN.contains(&key.as_str()));
                let kept = kept.map(|(key, value)| match key.as_str() {
                    // A total of 0 says more than none.
                    "total" => (key.clone(), value.as_u64().map_or(known(value), |total| json!(total.to_string()))),
                    _ => (key.clone(), known(value)),
                });
                Value::Object(kept.collect::<Map<_, _>>())
            }
            Value::Array(values) => Value::Array(values.iter().map(known).collect()),
            Value::String(text) => microseconds(text).map_or_else(|| value.clone(), |time| json!(time)),
            other => other.clone(),
        }
    }
    pruned(&known(value))
}

/// A time in microseconds, if it is one.
pub(crate) fn microseconds(text: &str) -> Option<i64> {
    if !text.ends_with('Z') || text.len() < 20 || text.as_bytes()[10] != b'T' {
        return None;
    }
    Some(chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_micros())
}

pub(crate) fn only(value: &Value, fields: &[&str]) -> Value {
    fields.iter().filter_map(|field| Some(((*field).to_owned(), value.get(field)?.clone()))).collect()
}

/// Compares, and tells the first place that differs.
pub(crate) fn same(what: &str, expected: &Value, found: &Value) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    match (expected, found) {
        (Value::Object(one), Value::Object(other)) => {
            for key in one.keys().chain(other.keys()) {
                same(&format!("{what}.{key}"), &expected[key], &found[key])?;
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                same(&format!("{what}[{index}]"), one, other)?;
            }
        }
        _ => {}
    }
    Err(format!("{what}: the model has {expected}, and there is {found}"))
}
