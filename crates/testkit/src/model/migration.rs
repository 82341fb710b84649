//! Old settings and the settings migration (product.md 7).

use std::collections::BTreeMap;

use super::{Export, Member, Model, Refused, Since, State};

impl Model {
    /// Imports old settings that do not contradict each other, by address (7.2, 7.3).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn import(&mut self, rows: &BTreeMap<String, bool>) -> Result<(), Refused> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        for (email, exports) in rows {
            match self.holder_of(email) {
                Some(holder) => {
                    if let Some(member) = self.members.get_mut(&holder) {
                        member.legacy = Some(*exports);
                    }
                    self.waiting.remove(email);
                }
                None => {
                    self.waiting.insert(email.clone(), *exports);
                }
            }
        }
        Ok(())
    }

    /// Migrates the organization (7.4, 7.5).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn migrate(&mut self) -> Result<(), Refused> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        self.migrated = true;
        self.migration = Some("MIGRATED");
        self.chosen_since = false;
        for member in self.members.values_mut() {
            let exports = member.legacy.unwrap_or(false);
            member.export = Some(Export { exports, since: exports.then_some(Since::Always), source: "MIGRATION" });
        }
        for index in 0..self.assignments.len() {
            let members = self.members_of(&self.assignments[index].id);
            self.assignments[index].chosen = match self.state_of(&members, None) {
                State::Same(value) => Some(value),
                State::Mixed => None,
            };
        }
        Ok(())
    }

    /// Takes the migration back, unless a value was chosen or somebody's setting or answer would change (7.6).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn roll_back(&mut self) -> Result<(), Refused> {
        if !self.migrated {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        let as_before = |member: &Member| {
            let old = member.legacy.unwrap_or(false);
            let since = old.then_some(Since::Always);
            member.export.as_ref().is_some_and(|export| export.exports == old && export.since == since)
        };
        if self.migration.is_none() || self.chosen_since || !self.members.values().all(as_before) {
            return Err("MIGRATION_ROLLBACK_TOO_LATE".to_owned());
        }
        self.migrated = false;
        self.migration = Some("ROLLED_BACK");
        self.members.values_mut().for_each(|member| member.export = None);
        self.assignments.iter_mut().for_each(|assignment| assignment.chosen = None);
        Ok(())
    }

    /// Lets the job migrate it again (7.6).
    ///
    /// # Errors
    /// Why it is not allowed.
    pub fn retry(&mut self) -> Result<(), Refused> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        self.migration = Some("PENDING");
        Ok(())
    }

    /// Who holds an address: the active member who has it, else an inactive one.
    pub(super) fn holder_of(&self, email: &str) -> Option<String> {
        let has = |active| self.members.iter().find(|(_, m)| m.active == active && m.email() == email);
        has(true).or_else(|| has(false)).map(|(id, _)| id.clone())
    }
}
