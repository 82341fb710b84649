//! What a request says about an assignment: the plain values, checked on their own, and the edit that an update makes of
//! them.

use std::collections::BTreeSet;

use super::{Assignment, UpdateMode};
use crate::{
    AssignmentId, FieldSelection, GroupId, Violation, ViolationKind, email_export::EmailExport, ids::check_text,
    settings::Settings,
};

/// The fields of an assignment in a request. An absent or empty value is one that the request does not give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssignmentInput {
    /// The name, as people write it.
    pub display_name: String,
    /// The groups whose members match. `None` when a name in the request is not one of a group; such a request is refused
    /// for that.
    pub groups: Option<BTreeSet<GroupId>>,
    /// Whether members follow the assignment.
    pub update_mode: Option<UpdateMode>,
    /// Seats, workspaces and data capture.
    pub settings: Option<Settings>,
    /// The value of email export.
    pub email_export: Option<EmailExport>,
}

impl AssignmentInput {
    /// The paths that an update mask may name, without the paths of the settings ([`Settings::PATHS`]).
    pub const PATHS: [&str; 4] = ["display_name", "groups", "update_mode", "email_export"];

    /// The violation of an update mask that names `path`, where there is a better answer than "unknown field".
    #[must_use]
    pub fn refuse_path(path: &str) -> Option<Violation> {
        let description = "the list of assignments defines the rank; use MoveAssignment to change it";
        (path == "rank").then(|| Violation::invalid("update_mask", description))
    }

    /// Lists what is wrong with the values of a new assignment on their own, before anything is read.
    #[must_use]
    pub fn violations_of_new(&self) -> Vec<Violation> {
        self.violations(&FieldSelection::All, Groups::Required)
    }

    /// Lists what is wrong with an update of the assignment `id`, before anything is read.
    #[must_use]
    pub fn violations_of_update(&self, selection: &FieldSelection, id: Option<&AssignmentId>) -> Vec<Violation> {
        let groups = if id.is_some_and(AssignmentId::is_default) { Groups::Optional } else { Groups::Required };
        let missing_mode = selection.names("update_mode") && self.update_mode.is_none();
        let description = "choose UPDATE_MODE_MANUAL_EDITING or UPDATE_MODE_AUTOMATIC_UPDATES";
        let mut found = Vec::new();
        found.extend(missing_mode.then(|| Violation::invalid("assignment.update_mode", description)));
        found.extend(self.violations(selection, groups));
        found
    }

    fn violations(&self, selection: &FieldSelection, groups: Groups) -> Vec<Violation> {
        let selects_name = selection.selects("display_name", !self.display_name.is_empty());
        let selects_groups = selection.selects("groups", self.groups.as_ref().is_some_and(|groups| !groups.is_empty()));
        let mut found = Vec::new();
        found.extend(selects_name.then(|| bad_name(&self.display_name)).flatten());
        if let Some(given) = self.groups.as_ref().filter(|_| selects_groups) {
            found.extend(missing_groups(given, groups));
        }
        let settings = Settings::default().updated(self.settings.as_ref(), selection);
        found.extend(settings.violations().into_iter().map(|violation| violation.at("assignment.settings")));
        found
    }

    /// The assignment that a request creates. An assignment without an update mode starts in manual editing.
    #[must_use]
    pub fn into_new(self, id: AssignmentId) -> Assignment {
        Assignment {
            id,
            display_name: self.display_name,
            groups: self.groups.unwrap_or_default(),
            update_mode: self.update_mode.unwrap_or_default(),
            settings: self.settings.unwrap_or_default(),
            chosen: self.email_export,
        }
    }

    /// The edit that an update makes of `current` when it selects some of these fields.
    #[must_use]
    pub fn edit(&self, selection: &FieldSelection, current: &Assignment) -> AssignmentEdit {
        let groups = self.groups.clone().unwrap_or_default();
        let settings = current.settings.updated(self.settings.as_ref(), selection);
        let choice = Choice::of_update(selection, self.email_export, current.chosen);
        AssignmentEdit {
            display_name: selection
                .selects("display_name", !self.display_name.is_empty())
                .then(|| self.display_name.clone()),
            groups: Some(groups).filter(|groups| selection.selects("groups", !groups.is_empty())),
            update_mode: self.update_mode.filter(|_| selection.selects("update_mode", true)),
            settings: (settings != current.settings).then_some(settings),
            choose: choice.value(),
            removes_choice: choice == Choice::Removed,
        }
    }
}

/// Whether an assignment must have a group.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Groups {
    /// A listed assignment.
    Required,
    /// The default assignment.
    Optional,
}

/// The new values of an assignment. An absent field stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AssignmentEdit {
    /// The name, as people write it.
    pub display_name: Option<String>,
    /// The groups whose members match.
    pub groups: Option<BTreeSet<GroupId>>,
    /// Whether members follow the assignment.
    pub update_mode: Option<UpdateMode>,
    /// Seats, workspaces and data capture.
    pub settings: Option<Settings>,
    /// The value of email export that this edit *chooses* (product.md 4.1).
    pub choose: Option<EmailExport>,
    /// Whether the edit removes a chosen value. This is refused: a choice cannot be taken back.
    pub removes_choice: bool,
}

impl AssignmentEdit {
    /// The assignment after the edit.
    #[must_use]
    pub fn applied_to(&self, before: &Assignment) -> Assignment {
        let Self { display_name, groups, update_mode, settings, choose, removes_choice: _ } = self.clone();
        Assignment {
            id: before.id.clone(),
            display_name: display_name.unwrap_or_else(|| before.display_name.clone()),
            groups: groups.unwrap_or_else(|| before.groups.clone()),
            update_mode: update_mode.unwrap_or(before.update_mode),
            settings: settings.unwrap_or_else(|| before.settings.clone()),
            chosen: choose.or(before.chosen),
        }
    }
}

/// What an update does about the value of email export (product.md 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The update does not touch the value.
    None,
    /// The update chooses this value.
    Chosen(EmailExport),
    /// The update removes a chosen value. This is refused.
    Removed,
}

impl Choice {
    /// What an update that gives `given` does where `stored` is the value so far. An update *chooses* a value when its
    /// mask names the field. An update for every populated field *chooses* a value when the value differs from the stored
    /// one, so that a read-modify-write does not overwrite edits by hand.
    pub(crate) fn of_update(
        selection: &FieldSelection,
        given: Option<EmailExport>,
        stored: Option<EmailExport>,
    ) -> Self {
        match (selection.names("email_export"), given) {
            (true, None) if stored.is_some() => Self::Removed,
            (true, Some(value)) => Self::Chosen(value),
            (false, Some(value)) if matches!(selection, FieldSelection::Populated(_)) && given != stored => {
                Self::Chosen(value)
            }
            _ => Self::None,
        }
    }

    pub(crate) fn value(self) -> Option<EmailExport> {
        match self {
            Self::Chosen(value) => Some(value),
            Self::None | Self::Removed => None,
        }
    }
}

/// The violation of an update that takes a chosen value back: a chosen value can be changed, but not removed.
pub(crate) fn choice_removed(field: &str) -> Violation {
    let description = "a chosen value cannot be taken back; choose EMAIL_EXPORT_EXPORT or EMAIL_EXPORT_DO_NOT_EXPORT";
    Violation::new(ViolationKind::EmailExportRequired, field, description).with("field", "email_export")
}

pub(super) fn bad_name(display_name: &str) -> Option<Violation> {
    check_text(display_name, "display name", 1, 200).err().map(|violation| violation.at("assignment.display_name"))
}

pub(super) fn missing_groups(groups: &BTreeSet<GroupId>, required: Groups) -> Option<Violation> {
    let missing = groups.is_empty() && required == Groups::Required;
    missing.then(|| Violation::invalid("assignment.groups", "an assignment needs at least one group; name one"))
}
