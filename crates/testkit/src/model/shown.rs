//! The model as JSON, to be compared with rows that are read as JSON.

use serde_json::{Value, json};

use super::{Assignment, Export, Member, Model, Pin, Since};

impl Model {
    /// The assignments in order, each with its rank.
    #[must_use]
    pub fn show_assignments(&self) -> Vec<Value> {
        (1..).zip(&self.assignments).map(|(rank, assignment)| assignment.show(rank)).collect()
    }
}

impl Assignment {
    fn show(&self, rank: usize) -> Value {
        json!({
            "id": self.id,
            "rank": rank,
            "display_name": self.display_name,
            "groups": self.groups,
            "update_mode": if self.automatic { "AUTOMATIC_UPDATES" } else { "MANUAL_EDITING" },
            "settings": self.settings,
            "email_export": self.chosen.map(word),
        })
    }
}

impl Member {
    /// Everything of a member.
    #[must_use]
    pub fn show(&self) -> Value {
        let mut shown = self.show_held();
        let more = json!({
            "identity": self.identity,
            "active": self.active,
            "groups": self.groups,
            "pin": self.pin.as_ref().map(Pin::show),
            "legacy_email_export": self.legacy,
        });
        if let (Some(shown), Value::Object(more)) = (shown.as_object_mut(), more) {
            shown.extend(more);
        }
        shown
    }

    /// What the member has from an assignment or by hand.
    #[must_use]
    pub fn show_held(&self) -> Value {
        let export = self.export.as_ref();
        json!({
            "assignment": self.assignment,
            "settings": self.settings,
            "email_export": export.map(|export| word(export.exports)),
            "email_export_since": export.and_then(Export::show_since),
            "email_export_source": export.map(|export| export.source),
        })
    }
}

impl Export {
    fn show_since(&self) -> Option<Value> {
        match self.since? {
            Since::Always => Some(json!("always")),
            Since::At(microseconds) => Some(json!(microseconds)),
        }
    }
}

impl Pin {
    fn show(&self) -> Value {
        json!({ "assignment": self.assignment, "actor": self.actor, "reason": self.reason, "at": self.at })
    }
}

fn word(exports: bool) -> &'static str {
    if exports { "EXPORT" } else { "DO_NOT_EXPORT" }
}
