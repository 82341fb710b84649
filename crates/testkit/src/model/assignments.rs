//! Changes of the ordered list (product.md 2 to 4).

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Assignment, DEFAULT, Model, Refused, State};

/// What an assignment is to be after an update.
#[derive(Clone, Debug, PartialEq)]
pub struct AssignmentEdit {
    /// The name.
    pub display_name: String,
    /// The groups.
    pub groups: BTreeSet<String>,
    /// Automatic updates, or else manual editing.
    pub automatic: bool,
    /// Seats, workspaces and data capture.
    pub settings: Value,
    /// The value of email export that this update chooses.
    pub choose: Option<bool>,
}

impl Model {
    /// Creates an assignment at a rank (2.1, 4.1).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn create_assignment(&mut self, new: Assignment, rank: usize, at: i64) -> Result<(), Refused> {
        let before = self.clone();
        if self.find(&new.id).is_some() {
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
        self.resolve_everybody(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Updates an assignment: whoever leaves by it leaves, the save rule judges those who stay,
    /// they get what the mode says, and whoever enters gets the result (3, 4.4 to 4.6).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn update_assignment(&mut self, id: &str, edit: &AssignmentEdit, at: i64) -> Result<(), Refused> {
        let before = self.clone();
        let was = self.find_mut(id)?.clone();
        if id == DEFAULT && !edit.groups.is_empty() {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        if !self.migrated && edit.choose.is_some() {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        let switched = edit.automatic && !was.automatic;
        let free = if switched { self.members_of(id) } else { BTreeSet::new() };
        // A switch never takes a stored older choice where there are members to ask (3).
        let chosen = edit.choose.or(if switched { None } else { was.chosen });
        *self.find_mut(id)? = Assignment {
            id: id.to_owned(),
            display_name: edit.display_name.clone(),
            groups: edit.groups.clone(),
            automatic: edit.automatic,
            settings: edit.settings.clone(),
            chosen,
        };
        let mut staying = before.members_of(id);
        staying.retain(|member| self.home_of(&self.members[member], free.contains(member)) == id);

        let mut give = edit.choose;
        if self.migrated && edit.automatic && chosen.is_none() {
            let State::Same(value) = before.state_of(&staying, was.chosen) else {
                *self = before;
                return Err("EMAIL_EXPORT_UNRESOLVED".to_owned());
            };
            self.find_mut(id)?.chosen = Some(value);
            // The switch applies every setting to every member; a mere save changes nobody.
            give = give.or(switched.then_some(value));
        }
        for member in &staying {
            if edit.automatic
                && let Some(member) = self.members.get_mut(member)
            {
                member.settings = edit.settings.clone();
            }
            if let Some(value) = give {
                self.give(member, value, "ASSIGNMENT", at);
            }
        }
        self.resolve_everybody(&free, &before, at);
        Ok(())
    }

    /// Moves an assignment to another rank (2.1).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn move_assignment(&mut self, id: &str, rank: usize, at: i64) -> Result<(), Refused> {
        let before = self.clone();
        if id == DEFAULT {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        let moved = self.find_mut(id)?.clone();
        if rank == 0 || rank >= self.assignments.len() {
            return Err("INVALID_REQUEST".to_owned());
        }
        self.assignments.retain(|assignment| assignment.id != id);
        self.assignments.insert(rank - 1, moved);
        self.resolve_everybody(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Puts the listed assignments in another order (2.1).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn reorder_assignments(&mut self, order: &[String], at: i64) -> Result<(), Refused> {
        let before = self.clone();
        let mut sorted: Vec<&String> = order.iter().collect();
        sorted.sort();
        let mut listed: Vec<&String> = self.assignments.iter().map(|assignment| &assignment.id).collect();
        listed.retain(|id| *id != DEFAULT);
        listed.sort();
        if sorted != listed {
            return Err("ORDER_SET_MISMATCH".to_owned());
        }
        let place = |assignment: &Assignment| order.iter().position(|id| *id == assignment.id).unwrap_or(order.len());
        self.assignments.sort_by_key(place);
        self.resolve_everybody(&BTreeSet::new(), &before, at);
        Ok(())
    }

    /// Deletes an assignment; with `resolve_members` its pins go and its members are resolved
    /// again (5).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn delete_assignment(&mut self, id: &str, resolve_members: bool, at: i64) -> Result<(), Refused> {
        let before = self.clone();
        if id == DEFAULT {
            return Err("DEFAULT_ASSIGNMENT_FIXED".to_owned());
        }
        self.find_mut(id)?;
        let members = self.members_of(id);
        if !members.is_empty() && !resolve_members {
            return Err("ASSIGNMENT_HAS_MEMBERS".to_owned());
        }
        self.assignments.retain(|assignment| assignment.id != id);
        for member in self.members.values_mut() {
            if member.pin.as_ref().is_some_and(|pin| pin.assignment == id) {
                member.pin = None;
            }
        }
        self.resolve_everybody(&members, &before, at);
        Ok(())
    }
}
