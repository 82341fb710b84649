//! Changes that tech admins make to members (product.md 3 and 5).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Model, ModelPin, RefusalReason};

impl Model {
    /// Edits one member (3).
    pub(crate) fn edit_member(
        &mut self,
        id: &str,
        settings: Option<Value>,
        choose: Option<bool>,
        at: i64,
    ) -> Result<(), RefusalReason> {
        let migrated = self.migrated;
        let assignment = self.members.get(id).map(|member| member.assignment.clone()).unwrap_or_default();
        let automatic = self.find_assignment(&assignment).is_some_and(|assignment| assignment.automatic);
        let Some(member) = self.members.get_mut(id) else { return Err("MEMBER_NOT_FOUND".to_owned()) };
        if automatic {
            return Err("MEMBER_LOCKED_BY_ASSIGNMENT".to_owned());
        }
        if !migrated && choose.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        if let Some(settings) = settings {
            member.settings = settings;
        }
        if let Some(value) = choose {
            self.set_export(id, value, "EDITED_BY_HAND", at);
        }
        Ok(())
    }

    /// Moves members to an assignment and pins them to it (5).
    pub(crate) fn move_members(&mut self, ids: &BTreeSet<String>, pin: &ModelPin) -> Result<(), RefusalReason> {
        let before = self.clone();
        self.assignment_mut(&pin.assignment)?;
        self.require_members(ids.iter())?;
        for id in ids {
            if let Some(member) = self.members.get_mut(id) {
                member.pin = Some(pin.clone());
            }
        }
        self.resolve_members(&BTreeSet::new(), &before, pin.at);
        Ok(())
    }

    /// Removes the pins of members, and resolves the members who had a pin (5).
    pub(crate) fn release_members(&mut self, ids: &BTreeSet<String>, at: i64) -> Result<(), RefusalReason> {
        let before = self.clone();
        self.require_members(ids.iter())?;
        let mut released = ids.clone();
        released.retain(|id| self.members[id].pin.is_some());
        for id in &released {
            if let Some(member) = self.members.get_mut(id) {
                member.pin = None;
            }
        }
        self.resolve_members(&released, &before, at);
        Ok(())
    }
}
