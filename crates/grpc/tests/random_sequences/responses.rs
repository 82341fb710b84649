//! The comparison of responses, refusals and audit events with those of the model.

use rollcall_testkit::{RefusedCall, contract::Rpc};
use serde_json::{Value, json};
use tonic::{Status, transport::Channel};

use crate::{
    api_snapshot::{comparable, require_equal, select_fields},
    model::without_defaults,
};

/// Returns the code and the message of a status.
pub(crate) fn describe(status: &Status) -> String {
    format!("{:?} {}", status.code(), status.message())
}

/// Checks the reason of a refusal.
pub(crate) fn require_refusal(reason: &str, status: &Status) -> Result<(), String> {
    let refusal = RefusedCall::of(status)?;
    if refusal.reason == reason {
        return Ok(());
    }
    Err(format!("expected the refusal {reason}, found: {} {}", refusal.reason, refusal.message))
}

/// Returns the fields of a response that the model covers.
pub(crate) fn response(answer: &Value, expected: &Value) -> Value {
    let fields: Vec<&str> = expected.as_object().into_iter().flatten().map(|(field, _)| field.as_str()).collect();
    let mut found = select_fields(answer, &fields);
    // The reason text of a rejected row is not modelled.
    if let Some(rejected) = found["rejected"].as_array_mut() {
        rejected.iter_mut().for_each(|row| *row = select_fields(row, &["kind", "key"]));
        rejected.sort_by_key(|row| (row["kind"].to_string(), row["key"].to_string()));
    }
    without_defaults(&found)
}

/// Returns the fields of a response that a validated change predicts exactly. Member counts and the time
/// of the change are excluded.
pub(crate) fn predicted_fields(answer: &Value) -> Value {
    let mut found =
        select_fields(answer, &["assignment", "member", "catalog", "organization", "warnings", "counts", "etag"]);
    let unpredicted =
        [("assignment", "email_export_summary"), ("assignment", "member_count"), ("member", "email_export_since")];
    for (resource, field) in unpredicted {
        if let Some(fields) = found.get_mut(resource).and_then(Value::as_object_mut) {
            fields.remove(field);
        }
    }
    let order_etag = found["etag"].clone();
    let mut found = comparable(&found);
    if !order_etag.is_null() {
        found["order_etag"] = order_etag;
    }
    found
}

/// Reads the newest audit event of an organization.
pub(crate) async fn newest_event(channel: &Channel, id: &str) -> Result<Value, String> {
    let request = json!({ "parent": format!("organizations/{id}"), "page_size": 1 });
    let answer = Rpc::find("AuditService/ListAuditEvents").call(channel, &request).await;
    let answer = answer.map_err(|status| describe(&status))?;
    Ok(answer["audit_events"][0].clone())
}

/// Checks the caller, the method and the counts of an audit event.
pub(crate) fn check_audit_event(event: &Value, method: &Rpc, request: &Value, preview: &Value) -> Result<(), String> {
    let found = without_defaults(&select_fields(event, &["method", "actor", "request_id"]));
    let expected =
        json!({ "method": method.method().name(), "actor": "anonymous", "request_id": request["request_id"] });
    require_equal("the audit event", &expected, &found)?;
    let fields = ["assignment_changes", "flips_to_export", "flips_to_do_not_export", "settings_changes"];
    require_equal(
        "the audit event",
        &select_fields(preview, &fields),
        &without_defaults(&select_fields(event, &fields)),
    )
}

/// Makes the self-check of an organization, which must find no difference between the stored data and the rules.
pub(crate) async fn check_stored_data(channel: &Channel, name: &str) -> Result<(), String> {
    let request = json!({ "name": name });
    let answer = Rpc::find("OrganizationService/CheckOrganization").call(channel, &request).await;
    let check = answer.map_err(|status| describe(&status))?["self_check"].take();
    if check["differences"].is_null() { Ok(()) } else { Err(format!("the self-check found {check}")) }
}
