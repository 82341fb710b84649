//! The resources of the model as API responses. Ids in the tests need no escaping in resource names.

use serde_json::{Map, Value, json};

use super::{
    ExportStart, ExportState, Model, ModelAssignment, ModelExport, ModelMember, items, preview::export_name, text,
};

impl Model {
    /// Returns the name of a resource of the organization.
    pub(crate) fn name(&self, collection: &str, id: &str) -> String {
        format!("organizations/{}/{collection}/{id}", self.id)
    }

    /// Returns the `Organization` resource.
    pub(crate) fn organization_resource(&self) -> Value {
        json!({
            "name": format!("organizations/{}", self.id),
            "display_name": self.display_name,
            "phase": if self.migrated { "PHASE_MIGRATED" } else { "PHASE_LEGACY" },
            "mass_change_limit": { "members": self.mass_change_limit.0, "percent": self.mass_change_limit.1 },
            "email_domains": self.email_domains,
        })
    }

    /// Returns the `Catalog` resource with the used and pending seats.
    pub(crate) fn catalog_resource(&self) -> Value {
        let claims = self.seat_claims();
        let seat = |seat: &Value| {
            let id = text(&seat["seat_type"]);
            let (claimed, pending) =
                (claims.get(&id).map_or(0, |c| c.len()), self.pending.get(&id).map_or(0, |queue| queue.len()));
            let name = seat["display_name"].as_str().unwrap_or(&id);
            json!({
                "seat_type": id, "display_name": name, "requires": seat["requires"], "total": total_text(seat),
                "used": claimed - pending, "pending": pending,
            })
        };
        let named_entry = |entry: &Value, key: &str| {
            let id = text(&entry[key]);
            let name = entry["display_name"].as_str().unwrap_or(&id).to_owned();
            json!({ key: id, "display_name": name })
        };
        let workspace = |workspace: &Value| {
            let mut shown = named_entry(workspace, "workspace");
            shown["profiles"] = items(&workspace["profiles"]).map(|profile| named_entry(profile, "profile")).collect();
            shown
        };
        json!({
            "name": format!("organizations/{}/catalog", self.id),
            "seat_types": items(&self.catalog["seat_types"]).map(seat).collect::<Vec<_>>(),
            "workspaces": items(&self.catalog["workspaces"]).map(workspace).collect::<Vec<_>>(),
        })
    }

    /// Returns the `Assignment` resources in evaluation order.
    pub(crate) fn assignment_resources(&self) -> Vec<Value> {
        (1..).zip(&self.assignments).map(|(rank, assignment)| self.assignment_resource(rank, assignment)).collect()
    }

    fn assignment_resource(&self, rank: usize, assignment: &ModelAssignment) -> Value {
        let members = self.member_ids_of(&assignment.id);
        let active = |exports: bool| {
            let has = |id: &&String| {
                let member = &self.members[*id];
                member.active && member.export.as_ref().is_some_and(|export| export.exports == exports)
            };
            members.iter().filter(has).count()
        };
        let state = self.export_state(&members, assignment.chosen);
        let state_name = match state {
            ExportState::Uniform(true) => "EMAIL_EXPORT_STATE_EXPORT",
            ExportState::Uniform(false) => "EMAIL_EXPORT_STATE_DO_NOT_EXPORT",
            ExportState::Mixed => "EMAIL_EXPORT_STATE_MIXED",
        };
        let groups: Vec<String> = assignment.groups.iter().map(|group| self.name("groups", group)).collect();
        json!({
            "name": self.name("assignments", &assignment.id),
            "display_name": assignment.display_name,
            "rank": rank,
            "groups": groups,
            "update_mode": if assignment.automatic { "UPDATE_MODE_AUTOMATIC_UPDATES" } else { "UPDATE_MODE_MANUAL_EDITING" },
            "settings": settings_resource(&assignment.settings),
            "email_export": assignment.chosen.map(export_name),
            "email_export_summary": {
                "state": self.migrated.then_some(state_name),
                "exporting": active(true),
                "not_exporting": active(false),
                "inactive": members.iter().filter(|id| !self.members[*id].active).count(),
                "action_required": self.migrated && assignment.automatic && state == ExportState::Mixed,
            },
            "member_count": members.len(),
        })
    }

    /// Returns the `Member` resources in byte order of their ids. Times are in microseconds.
    pub(crate) fn member_resources(&self) -> Vec<Value> {
        self.members.iter().map(|(id, member)| self.member_resource(id, member)).collect()
    }

    fn member_resource(&self, id: &str, member: &ModelMember) -> Value {
        let pin = member.pin.as_ref().map(|pin| {
            let assignment = self.name("assignments", &pin.assignment);
            json!({ "assignment": assignment, "actor": pin.actor, "reason": pin.reason, "time": pin.at })
        });
        let groups: Vec<String> = member.groups.iter().map(|group| self.name("groups", group)).collect();
        let since = member.export.as_ref().and_then(|export| match export.since {
            Some(ExportStart::At(at)) => Some(at),
            _ => None,
        });
        let mut shown = json!({
            "name": self.name("members", id),
            "status": if member.active { "MEMBER_STATUS_ACTIVE" } else { "MEMBER_STATUS_INACTIVE" },
            "groups": groups,
            "assignment": self.name("assignments", &member.assignment),
            "pin": pin,
            "settings": settings_resource(&member.settings),
            "held_seats": self.held_seats(id),
            "pending_seats": self.pending_seats(id),
            "email_export": member.export.as_ref().map(|export| export_name(export.exports)),
            "email_export_since": since,
            "email_export_source": member.export.as_ref().map(ModelExport::source_name),
        });
        if let (Some(shown), Some(identity)) = (shown.as_object_mut(), member.identity.as_object()) {
            shown.extend(identity.clone());
        }
        shown
    }

    /// Returns the `Group` resources in byte order of their ids.
    pub(crate) fn group_resources(&self) -> Vec<Value> {
        let group = |(id, present): (&String, &bool)| {
            let members = self.members.values().filter(|member| member.groups.contains(id)).count();
            let name = self.group_names.get(id);
            json!({ "name": self.name("groups", id), "display_name": name, "member_count": members, "present": present })
        };
        self.groups.iter().map(group).collect()
    }

    /// Returns the `Migration` resource.
    pub(crate) fn migration_resource(&self) -> Value {
        json!({
            "name": format!("organizations/{}/migration", self.id),
            "state": self.migration.map(|state| format!("MIGRATION_STATE_{state}")),
            "unmatched_legacy_settings": self.unmatched_settings.len(),
        })
    }
}

impl ModelExport {
    fn source_name(&self) -> String {
        format!("EMAIL_EXPORT_SOURCE_{}", self.source)
    }
}

/// Returns a total as text, so that `without_defaults` keeps a total of 0, which differs from no total.
fn total_text(seat: &Value) -> Option<String> {
    seat["total"].as_u64().map(|total| total.to_string())
}

fn settings_resource(settings: &Value) -> Value {
    let permissions = settings["permissions"].as_object().into_iter().flatten();
    let permissions: Vec<Value> =
        permissions.map(|(workspace, profile)| json!({ "workspace": workspace, "profile": profile })).collect();
    json!({
        "seats": settings["seats"], "home_workspace": settings["home_workspace"], "permissions": permissions,
        "data_capture": settings["data_capture"],
    })
}

/// JSON without what says nothing: nulls, zeros, false, and what is empty. So it does not matter whether a
/// field without a value was left out.
pub(crate) fn without_defaults(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), without_defaults(value)));
            Value::Object(kept.filter(|(_, value)| !is_default(value)).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(without_defaults).collect()),
        other => other.clone(),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty() || text.ends_with("_UNSPECIFIED"),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
