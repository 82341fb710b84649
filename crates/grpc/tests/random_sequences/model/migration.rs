//! Legacy settings and the settings migration (product.md 7).

use std::collections::BTreeMap;

use super::{ExportStart, ExportState, Model, ModelExport, ModelMember, RefusalReason};

impl Model {
    /// Imports legacy settings by address. The caller has rejected contradictory rows (7.2, 7.3).
    pub(crate) fn import_legacy_settings(&mut self, rows: &BTreeMap<String, bool>) -> Result<(), RefusalReason> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        for (email, exports) in rows {
            match self.address_holder(email) {
                Some(holder) => {
                    if let Some(member) = self.members.get_mut(&holder) {
                        member.legacy_setting = Some(*exports);
                    }
                    self.unmatched_settings.remove(email);
                }
                None => {
                    self.unmatched_settings.insert(email.clone(), *exports);
                }
            }
        }
        Ok(())
    }

    /// Migrates the organization (7.4, 7.5).
    pub(crate) fn migrate(&mut self) -> Result<(), RefusalReason> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        self.migrated = true;
        self.migration = Some("MIGRATED");
        self.chosen_after_migration = false;
        for member in self.members.values_mut() {
            let exports = member.legacy_setting.unwrap_or(false);
            member.export =
                Some(ModelExport { exports, since: exports.then_some(ExportStart::Always), source: "MIGRATION" });
        }
        for index in 0..self.assignments.len() {
            let members = self.member_ids_of(&self.assignments[index].id);
            self.assignments[index].chosen = match self.export_state(&members, None) {
                ExportState::Uniform(value) => Some(value),
                ExportState::Mixed => None,
            };
        }
        Ok(())
    }

    /// Rolls the migration back, unless a value was chosen or a member's setting or answer would change (7.6).
    pub(crate) fn roll_back(&mut self) -> Result<(), RefusalReason> {
        if !self.migrated {
            return Err("EMAIL_EXPORT_NOT_MIGRATED".to_owned());
        }
        let is_unchanged = |member: &ModelMember| {
            let old = member.legacy_setting.unwrap_or(false);
            let since = old.then_some(ExportStart::Always);
            member.export.as_ref().is_some_and(|export| export.exports == old && export.since == since)
        };
        if self.migration.is_none() || self.chosen_after_migration || !self.members.values().all(is_unchanged) {
            return Err("MIGRATION_ROLLBACK_TOO_LATE".to_owned());
        }
        self.migrated = false;
        self.migration = Some("ROLLED_BACK");
        self.members.values_mut().for_each(|member| member.export = None);
        self.assignments.iter_mut().for_each(|assignment| assignment.chosen = None);
        Ok(())
    }

    /// Allows the job to migrate the organization again (7.6).
    pub(crate) fn retry(&mut self) -> Result<(), RefusalReason> {
        if self.migrated {
            return Err("EMAIL_EXPORT_ALREADY_MIGRATED".to_owned());
        }
        self.migration = Some("PENDING");
        Ok(())
    }

    /// Returns the holder of an address: the active member who has it, or else an inactive member who has it.
    pub(crate) fn address_holder(&self, email: &str) -> Option<String> {
        let has = |active| self.members.iter().find(|(_, m)| m.active == active && m.email() == email);
        has(true).or_else(|| has(false)).map(|(id, _)| id.clone())
    }
}
