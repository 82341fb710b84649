//! What a tech admin asks for when creating or updating an assignment, checked on its own.

use std::collections::BTreeSet;

use super::{Assignment, UpdateMode};
use crate::{
    GroupId, Phase, Refusal,
    catalog::Catalog,
    email_export::EmailExport,
    ids::check_text,
    refusal::{Violation, ViolationKind},
    settings::Settings,
};

/// An assignment to be created.
pub type NewAssignment = Assignment;

/// The new values of an assignment; absent fields stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// As people write it.
    pub display_name: Option<String>,
    /// Whose members match.
    pub groups: Option<BTreeSet<GroupId>>,
    /// Whether members follow it.
    pub update_mode: Option<UpdateMode>,
    /// What it gives.
    pub settings: Option<Settings>,
    /// A value of email export that this edit *chooses* (product.md 4.1).
    pub choose: Option<EmailExport>,
    /// It asks for no value, which there can be only where none is chosen.
    pub unchoose: bool,
}

impl Edit {
    /// The assignment with the edit made.
    #[must_use]
    pub fn applied_to(&self, before: &Assignment) -> Assignment {
        let Self { display_name, groups, update_mode, settings, choose, unchoose: _ } = self.clone();
        Assignment {
            id: before.id.clone(),
            display_name: display_name.unwrap_or_else(|| before.display_name.clone()),
            groups: groups.unwrap_or_else(|| before.groups.clone()),
            update_mode: update_mode.unwrap_or(before.update_mode),
            settings: settings.unwrap_or_else(|| before.settings.clone()),
            chosen: choose.or(before.chosen),
        }
    }

    /// What is wrong with the new values on their own, whatever the assignment and the catalog have.
    #[must_use]
    pub fn violations(&self, of_default: bool) -> Vec<Violation> {
        let mut found = own_violations(self.display_name.as_deref(), self.groups.as_ref(), of_default);
        found.extend(self.settings.iter().flat_map(Settings::violations).map(|v| v.at("settings")));
        found
    }
}

/// What is wrong with an assignment as it would be saved. `settings_changed` says whether the
/// catalog is to be asked: what was saved once stays valid.
pub(super) fn violations(assignment: &Assignment, catalog: &Catalog, settings_changed: bool) -> Vec<Violation> {
    let mut found =
        own_violations(Some(&assignment.display_name), Some(&assignment.groups), assignment.id.is_default());
    if settings_changed {
        found.extend(catalog.check(&assignment.settings).into_iter().map(|v| v.at("settings")));
    }
    found
}

fn own_violations(display_name: Option<&str>, groups: Option<&BTreeSet<GroupId>>, of_default: bool) -> Vec<Violation> {
    let name = display_name.and_then(|name| check_text(name, "display name", 1, 200).err());
    let mut found: Vec<Violation> = name.map(|v| v.at("display_name")).into_iter().collect();
    if groups.is_some_and(BTreeSet::is_empty) && !of_default {
        found.push(Violation::invalid("groups", "an assignment needs at least one group"));
    }
    found
}

/// What was chosen once can be changed but not taken back.
#[must_use]
pub fn chosen_stays() -> Violation {
    let description = "a chosen value cannot be taken back; choose EXPORT or DO_NOT_EXPORT";
    Violation::new(ViolationKind::EmailExportRequired, "email_export", description).with("field", "email_export")
}

/// Creating an assignment in a migrated organization requires a value (product.md 4.1).
pub(super) fn missing_choice(phase: Phase, assignment: &Assignment) -> Option<Violation> {
    if phase == Phase::Legacy || assignment.chosen.is_some() {
        return None;
    }
    let description = "choose EXPORT or DO_NOT_EXPORT: a new assignment needs a value";
    let violation = Violation::new(ViolationKind::EmailExportRequired, "email_export", description);
    Some(violation.with("field", "email_export"))
}

/// Positions are ranks from 1 to the last one allowed.
pub(super) fn bad_position(position: u32, last: u32) -> Option<Violation> {
    let description = format!("the position must be from 1 to {last}, not {position}");
    (!(1..=last).contains(&position)).then(|| Violation::invalid("position", description))
}

/// The default assignment has no groups (product.md 2.3).
pub(super) fn refuse_groups_of_default(assignment: &Assignment) -> Result<(), Refusal> {
    if assignment.id.is_default() && !assignment.groups.is_empty() {
        return Err(Refusal::DefaultAssignmentFixed(
            "given groups: it takes every member that no other assignment takes",
        ));
    }
    Ok(())
}
