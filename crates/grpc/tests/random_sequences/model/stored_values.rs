//! The model in the format of the stored rows that `stored` reads.

use serde_json::{Value, json};

use super::{ExportStart, Model, ModelAssignment, ModelExport, ModelMember, ModelPin};

impl Model {
    /// Returns the assignments in order, each with its rank.
    pub(crate) fn stored_assignments(&self) -> Vec<Value> {
        (1..).zip(&self.assignments).map(|(rank, assignment)| assignment.to_stored(rank)).collect()
    }
}

impl ModelAssignment {
    fn to_stored(&self, rank: usize) -> Value {
        json!({
            "id": self.id,
            "rank": rank,
            "display_name": self.display_name,
            "groups": self.groups,
            "update_mode": if self.automatic { "AUTOMATIC_UPDATES" } else { "MANUAL_EDITING" },
            "settings": self.settings,
            "email_export": self.chosen.map(export_name),
        })
    }
}

impl ModelMember {
    /// Returns all fields of a member.
    pub(crate) fn to_stored(&self) -> Value {
        let mut shown = self.stored_settings();
        let more = json!({
            "identity": self.identity,
            "active": self.active,
            "groups": self.groups,
            "pin": self.pin.as_ref().map(ModelPin::to_stored),
            "legacy_email_export": self.legacy_setting,
        });
        if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
            shown.extend(more);
        }
        shown
    }

    /// Returns the assignment, the settings and the email export setting: the fields of `member_changes`.
    pub(crate) fn stored_settings(&self) -> Value {
        let export = self.export.as_ref();
        json!({
            "assignment": self.assignment,
            "settings": self.settings,
            "email_export": export.map(|export| export_name(export.exports)),
            "email_export_since": export.and_then(ModelExport::stored_start),
            "email_export_source": export.map(|export| export.source),
        })
    }
}

impl ModelExport {
    fn stored_start(&self) -> Option<Value> {
        match self.since? {
            ExportStart::Always => Some(json!("always")),
            ExportStart::At(microseconds) => Some(json!(microseconds)),
        }
    }
}

impl ModelPin {
    fn to_stored(&self) -> Value {
        json!({ "assignment": self.assignment, "actor": self.actor, "reason": self.reason, "at": self.at })
    }
}

fn export_name(exports: bool) -> &'static str {
    if exports { "EXPORT" } else { "DO_NOT_EXPORT" }
}
