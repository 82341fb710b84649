//! The model as the API answers it. Ids are plain, so that they stand in names as they are.

use serde_json::{Map, Value, json};

use super::{Assignment, Export, Member, Model, Since, State, items, preview::word, text};

impl Model {
    /// The name of something of the organization.
    #[must_use]
    pub fn name(&self, collection: &str, id: &str) -> String {
        format!("organizations/{}/{collection}/{id}", self.id)
    }

    /// The organization.
    #[must_use]
    pub fn answer_organization(&self) -> Value {
        json!({
            "name": format!("organizations/{}", self.id),
            "display_name": self.display_name,
            "phase": if self.migrated { "PHASE_MIGRATED" } else { "PHASE_LEGACY" },
            "mass_change_limit": { "members": self.mass_change_limit.0, "percent": self.mass_change_limit.1 },
            "email_domains": self.email_domains,
        })
    }

    /// The catalog, with how much of it is used.
    #[must_use]
    pub fn answer_catalog(&self) -> Value {
        let claims = self.claims();
        let seat = |seat: &Value| {
            let id = text(&seat["seat_type"]);
            let (claimed, pending) =
                (claims.get(&id).map_or(0, |c| c.len()), self.pending.get(&id).map_or(0, |queue| queue.len()));
            let name = seat["display_name"].as_str().unwrap_or(&id);
            json!({
                "seat_type": id, "display_name": name, "requires": seat["requires"], "total": shown_total(seat),
                "used": claimed - pending, "pending": pending,
            })
        };
        let named = |entry: &Value, key: &str| {
            let id = text(&entry[key]);
            let name = entry["display_name"].as_str().unwrap_or(&id).to_owned();
            json!({ key: id, "display_name": name })
        };
        let workspace = |workspace: &Value| {
            let mut shown = named(workspace, "workspace");
            shown["profiles"] = items(&workspace["profiles"]).map(|profile| named(profile, "profile")).collect();
            shown
        };
        json!({
            "name": format!("organizations/{}/catalog", self.id),
            "seat_types": items(&self.catalog["seat_types"]).map(seat).collect::<Vec<_>>(),
            "workspaces": items(&self.catalog["workspaces"]).map(workspace).collect::<Vec<_>>(),
        })
    }

    /// The assignments in evaluation order.
    #[must_use]
    pub fn answer_assignments(&self) -> Vec<Value> {
        (1..).zip(&self.assignments).map(|(rank, assignment)| self.answer_assignment(rank, assignment)).collect()
    }

    fn answer_assignment(&self, rank: usize, assignment: &Assignment) -> Value {
        let members = self.members_of(&assignment.id);
        let active = |exports: bool| {
            let has = |id: &&String| {
                let member = &self.members[*id];
                member.active && member.export.as_ref().is_some_and(|export| export.exports == exports)
            };
            members.iter().filter(has).count()
        };
        let state = self.state_of(&members, assignment.chosen);
        let word_of = match state {
            State::Same(true) => "EMAIL_EXPORT_STATE_EXPORT",
            State::Same(false) => "EMAIL_EXPORT_STATE_DO_NOT_EXPORT",
            State::Mixed => "EMAIL_EXPORT_STATE_MIXED",
        };
        let groups: Vec<String> = assignment.groups.iter().map(|group| self.name("groups", group)).collect();
        json!({
            "name": self.name("assignments", &assignment.id),
            "display_name": assignment.display_name,
            "rank": rank,
            "groups": groups,
            "update_mode": if assignment.automatic { "UPDATE_MODE_AUTOMATIC_UPDATES" } else { "UPDATE_MODE_MANUAL_EDITING" },
            "settings": answer_settings(&assignment.settings),
            "email_export": assignment.chosen.map(word),
            "email_export_summary": {
                "state": self.migrated.then_some(word_of),
                "exporting": active(true),
                "not_exporting": active(false),
                "inactive": members.iter().filter(|id| !self.members[*id].active).count(),
                "action_required": self.migrated && assignment.automatic && state == State::Mixed,
            },
            "member_count": members.len(),
        })
    }

    /// The members in byte order of their ids; times are in microseconds.
    #[must_use]
    pub fn answer_members(&self) -> Vec<Value> {
        self.members.iter().map(|(id, member)| self.answer_member(id, member)).collect()
    }

    fn answer_member(&self, id: &str, member: &Member) -> Value {
        let pin = member.pin.as_ref().map(|pin| {
            let assignment = self.name("assignments", &pin.assignment);
            json!({ "assignment": assignment, "actor": pin.actor, "reason": pin.reason, "time": pin.at })
        });
        let groups: Vec<String> = member.groups.iter().map(|group| self.name("groups", group)).collect();
        let since = member.export.as_ref().and_then(|export| match export.since {
            Some(Since::At(at)) => Some(at),
            _ => None,
        });
        let mut shown = json!({
            "name": self.name("members", id),
            "status": if member.active { "MEMBER_STATUS_ACTIVE" } else { "MEMBER_STATUS_INACTIVE" },
            "groups": groups,
            "assignment": self.name("assignments", &member.assignment),
            "pin": pin,
            "settings": answer_settings(&member.settings),
            "held_seats": self.held_by(id),
            "pending_seats": self.pending_of(id),
            "email_export": member.export.as_ref().map(|export| word(export.exports)),
            "email_export_since": since,
            "email_export_source": member.export.as_ref().map(Export::answer_source),
        });
        if let (Some(shown), Some(identity)) = (shown.as_object_mut(), member.identity.as_object()) {
            shown.extend(identity.clone());
        }
        shown
    }

    /// The groups in byte order of their ids.
    #[must_use]
    pub fn answer_groups(&self) -> Vec<Value> {
        let group = |(id, present): (&String, &bool)| {
            let members = self.members.values().filter(|member| member.groups.contains(id)).count();
            let name = self.group_names.get(id);
            json!({ "name": self.name("groups", id), "display_name": name, "member_count": members, "present": present })
        };
        self.groups.iter().map(group).collect()
    }

    /// How far the migration is.
    #[must_use]
    pub fn answer_migration(&self) -> Value {
        json!({
            "name": format!("organizations/{}/migration", self.id),
            "state": self.migration.map(|state| format!("MIGRATION_STATE_{state}")),
            "unmatched_legacy_settings": self.waiting.len(),
        })
    }
}

impl Export {
    fn answer_source(&self) -> String {
        format!("EMAIL_EXPORT_SOURCE_{}", self.source)
    }
}

/// A total of 0 is not the same as none, though both are left out of other JSON.
fn shown_total(seat: &Value) -> Option<String> {
    seat["total"].as_u64().map(|total| total.to_string())
}

fn answer_settings(settings: &Value) -> Value {
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
#[must_use]
pub fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let kept = fields.iter().map(|(key, value)| (key.clone(), pruned(value)));
            Value::Object(kept.filter(|(_, value)| !says_nothing(value)).collect::<Map<_, _>>())
        }
        Value::Array(values) => Value::Array(values.iter().map(pruned).collect()),
        other => other.clone(),
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty() || text.ends_with("_UNSPECIFIED"),
        Value::Array(values) => values.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}
