//! Changes of the ordered list of assignments (product.md 2 to 4).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{DEFAULT, ExportState, Model, ModelAssignment, RefusalReason};

/// The fields of an assignment after an update.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ModelAssignmentEdit {
    /// The display name.
    pub(crate) display_name: String,
    /// The ids of the groups.
    pub(crate) groups: BTreeSet<String>,
    /// True for automatic updates, false for manual editing.
    pub(crate) automatic: bool,
    /// Seats, workspaces and data capture.
    pub(crate) settings: Value,
    /// The email export value that the update chooses.
    pub(crate) choose: Option<bool>,
}

impl Model {
    /// Creates an assignment at a rank (2.1, 4.1).
    pub(crate) fn create_assignment(
        &mut self,
        new: ModelAssignment,
        rank: usize,
        at: i64,
    ) -> Result<(), RefusalReason> {
        let before = self.clone();
        if self.find_assignment(&new.id).is_some() {
            return Err("ALREADY_EXISTS".to_owned());
        }
        if !self.migrated && new.chosen.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        if self.migrated && new.chosen.is_none() {
            return Err("EMAIL_EXPORT_REQUIRED".to_owned());
        }
        if rank == 0 || rank > self.assignments.len() {
            return Err("INVALID_REQUEST".to_owned());
        }
        self.assignments.insert(rank - 1, new);
        self.resolve_members(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Updates an assignment (3, 4.4 to 4.6). Members who no longer match leave. The save rule applies to
    /// the members who stay, and they get the settings that the update mode gives. Members who enter
    /// get the updated bundle.
    pub(crate) fn update_assignment(
        &mut self,
        id: &str,
        edit: &ModelAssignmentEdit,
        at: i64,
    ) -> Result<(), RefusalReason> {
        let before = self.clone();
        let was = self.assignment_mut(id)?.clone();
        if id == DEFAULT && !edit.groups.is_empty() {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        if !self.migrated && edit.choose.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        let switched = edit.automatic && !was.automatic;
        let released = if switched { self.member_ids_of(id) } else { BTreeSet::new() };
        // A switch to automatic never keeps an older stored choice if the members have settings (3).
        let chosen = edit.choose.or(if switched { None } else { was.chosen });
        *self.assignment_mut(id)? = ModelAssignment {
            id: id.to_owned(),
            display_name: edit.display_name.clone(),
            groups: edit.groups.clone(),
            automatic: edit.automatic,
            settings: edit.settings.clone(),
            chosen,
        };
        let mut staying = before.member_ids_of(id);
        staying.retain(|member| self.resolve_assignment(&self.members[member], released.contains(member)) == id);

        let mut applied = edit.choose;
        if self.migrated && edit.automatic && chosen.is_none() {
            let ExportState::Uniform(value) = before.export_state(&staying, was.chosen) else {
                *self = before;
                return Err("EMAIL_EXPORT_UNRESOLVED".to_owned());
            };
            self.assignment_mut(id)?.chosen = Some(value);
            // The switch applies every setting to every member. A save without a switch changes no member.
            applied = applied.or(switched.then_some(value));
        }
        for member in &staying {
            if edit.automatic
                && let Some(member) = self.members.get_mut(member)
            {
                member.settings = edit.settings.clone();
            }
            if let Some(value) = applied {
                self.set_export(member, value, "ASSIGNMENT", at);
            }
        }
        self.resolve_members(&released, &before, at);
        Ok(())
    }

    /// Moves an assignment to another rank (2.1).
    pub(crate) fn move_assignment(&mut self, id: &str, rank: usize, at: i64) -> Result<(), RefusalReason> {
        let before = self.clone();
        if id == DEFAULT {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        let moved = self.assignment_mut(id)?.clone();
        if rank == 0 || rank >= self.assignments.len() {
            return Err("INVALID_REQUEST".to_owned());
        }
        self.assignments.retain(|assignment| assignment.id != id);
        self.assignments.insert(rank - 1, moved);
        self.resolve_members(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Reorders the listed assignments (2.1).
    pub(crate) fn reorder_assignments(&mut self, order: &[String], at: i64) -> Result<(), RefusalReason> {
        let before = self.clone();
        let mut sorted: Vec<&String> = order.iter().collect();
        sorted.sort();
        let mut listed: Vec<&String> = self.assignments.iter().map(|assignment| &assignment.id).collect();
        listed.retain(|id| *id != DEFAULT);
        listed.sort();
        if sorted != listed {
            return Err("ORDER_SET_MISMATCH".to_owned());
        }
        let place =
            |assignment: &ModelAssignment| order.iter().position(|id| *id == assignment.id).unwrap_or(order.len());
        self.assignments.sort_by_key(place);
        self.resolve_members(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Deletes an assignment. With `resolve_members`, its pins are removed and its members are resolved
    /// again (5).
    pub(crate) fn delete_assignment(&mut self, id: &str, resolve_members: bool, at: i64) -> Result<(), RefusalReason> {
        let before = self.clone();
        if id == DEFAULT {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        self.assignment_mut(id)?;
        let members = self.member_ids_of(id);
        if !members.is_empty() && !resolve_members {
            return Err("ASSIGNMENT_HAS_MEMBERS".to_owned());
        }
        self.assignments.retain(|assignment| assignment.id != id);
        for member in self.members.values_mut() {
            if member.pin.as_ref().is_some_and(|pin| pin.assignment == id) {
                member.pin = None;
            }
        }
        self.resolve_members(&members, &before, at);
        Ok(())
    }
}
