//! Audit events as operations of the model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    DirectoryChanges, Model, ModelAssignment, ModelAssignmentEdit, ModelMemberRow, ModelPin, RefusalReason, items, text,
};

impl Model {
    /// Applies an audit event: an object with the columns `method`, `resource`, `actor`, `after`, and
    /// `occurred_at` in microseconds. The first event creates the organization.
    ///
    /// # Errors
    /// The reason for which the change should have been refused. The model is then unchanged.
    pub(crate) fn apply_event(&mut self, event: &Value) -> Result<(), RefusalReason> {
        let (after, at) = (&event["after"], event["occurred_at"].as_i64().unwrap_or_default());
        let id = event["resource"].as_str().unwrap_or_default().splitn(4, '/').nth(3).unwrap_or_default();
        match event["method"].as_str().unwrap_or_default() {
            "CreateOrganization" => *self = Self::new(after["phase"] == "MIGRATED"),
            "UpdateCatalog" => {}
            "CreateAssignment" => {
                self.create_assignment(assignment(&after["assignment"]), number(&after["rank"]), at)?
            }
            "UpdateAssignment" => self.update_assignment(id, &edit(after), at)?,
            "MoveAssignment" => self.move_assignment(id, number(&after["rank"]), at)?,
            // The event does not record `resolve_members`. It exists, so the deletion was allowed.
            "DeleteAssignment" => self.delete_assignment(id, true, at)?,
            "UpdateMemberSettings" => {
                let settings = Some(after["settings"].clone()).filter(Value::is_object);
                let is_edited = after["email_export_source"] == "EDITED_BY_HAND";
                let value = parse_stored_export(&after["email_export"]).filter(|_| is_edited);
                self.edit_member(id, settings, value, at)?;
            }
            "MoveMembers" => {
                let (assignment, reason) = (text(&after["assignment"]), text(&after["reason"]));
                let pin = ModelPin { assignment, actor: text(&event["actor"]), reason, at };
                self.move_members(&texts(&after["members"]), &pin)?;
            }
            "ReleaseMembers" => {
                let released = items(&after["members"]).map(|placement| text(&placement["member"])).collect();
                self.release_members(&released, at)?;
            }
            "SyncDirectory" => self.apply_sync(&directory_changes(after), at),
            "ImportLegacySettings" => self.import_legacy_settings(&self.rows_of(after))?,
            "settings-migration" if after["phase"] == "MIGRATED" => self.migrate()?,
            other => return Err(format!("the model does not know {other}")),
        }
        Ok(())
    }

    /// Returns the rows of an import. The event names bound rows by member, so their address is the member's.
    fn rows_of(&self, after: &Value) -> BTreeMap<String, bool> {
        let email = |id: &String| self.members.get(id).map_or_else(String::new, |member| member.email().to_owned());
        let bound = fields(&after["bound"]).map(|(id, value)| (email(id), value == true));
        let unmatched = fields(&after["unmatched"]).map(|(address, value)| (address.clone(), value == true));
        bound.chain(unmatched).collect()
    }
}

fn assignment(value: &Value) -> ModelAssignment {
    ModelAssignment {
        id: text(&value["id"]),
        display_name: text(&value["display_name"]),
        groups: texts(&value["groups"]),
        automatic: value["update_mode"] == "AUTOMATIC_UPDATES",
        settings: value["settings"].clone(),
        chosen: parse_stored_export(&value["chosen"]),
    }
}

fn edit(after: &Value) -> ModelAssignmentEdit {
    let ModelAssignment { display_name, groups, automatic, settings, .. } = assignment(&after["assignment"]);
    ModelAssignmentEdit { display_name, groups, automatic, settings, choose: parse_stored_export(&after["chosen_now"]) }
}

fn directory_changes(after: &Value) -> DirectoryChanges {
    let row = |row: &Value| ModelMemberRow {
        member: text(&row["member"]),
        identity: row["identity"].clone(),
        active: row["active"] == true,
    };
    let bound = |row: &Value| ModelMemberRow {
        member: text(&row["member"]),
        identity: serde_json::json!({ "email": row["email"] }),
        active: true,
    };
    DirectoryChanges {
        members: items(&after["members"]).map(row).collect(),
        named_members: items(&after["old_settings"]).map(bound).collect(),
        groups: items(&after["groups"]).map(|group| (text(&group["group"]), group["present"] == true)).collect(),
        added: memberships(&after["memberships_added"]),
        removed: memberships(&after["memberships_removed"]),
    }
}

/// Returns (member, group) pairs. The event lists the members of each group.
fn memberships(value: &Value) -> Vec<(String, String)> {
    let of_group = |(group, members): (&String, &Value)| {
        let group = group.clone();
        texts(members).into_iter().map(move |member| (member, group.clone()))
    };
    fields(value).flat_map(of_group).collect()
}

fn parse_stored_export(value: &Value) -> Option<bool> {
    value.as_str().map(|word| word == "EXPORT")
}

fn texts(value: &Value) -> BTreeSet<String> {
    items(value).map(text).collect()
}

fn number(value: &Value) -> usize {
    value.as_u64().and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
