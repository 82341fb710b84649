//! Editing one member's settings by hand (product.md 3).

use super::MemberState;
use crate::{
    Cause, Current, FieldSelection, Held, Plan, Refusal, Scope, Settings, Timestamp, Violation,
    assignments::{Choice, choice_removed},
    email_export::{EmailExport, MemberExport, Source},
};

/// The fields of a member in a request that can be edited by hand. An absent value is one that the request does not give.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberInput {
    /// Seats, workspaces and data capture.
    pub settings: Option<Settings>,
    /// The value of email export.
    pub email_export: Option<EmailExport>,
}

impl MemberInput {
    /// The paths that an update mask may name, without the paths of the settings ([`Settings::PATHS`]).
    pub const PATHS: [&str; 1] = ["email_export"];

    /// Lists what is wrong with the values of an update, before anything is read.
    #[must_use]
    pub fn violations(&self, selection: &FieldSelection) -> Vec<Violation> {
        let settings = Settings::default().updated(self.settings.as_ref(), selection);
        settings.violations().into_iter().map(|violation| violation.at("member.settings")).collect()
    }

    /// The edit that an update makes when it selects some of these fields, of a member who has these settings and this
    /// value of email export.
    ///
    /// # Errors
    /// A violation when the update takes back the value of email export.
    pub fn edit(
        &self,
        selection: &FieldSelection,
        settings: &Settings,
        export: Option<EmailExport>,
    ) -> Result<MemberEdit, Violation> {
        let after = settings.updated(self.settings.as_ref(), selection);
        match Choice::of_update(selection, self.email_export, export) {
            Choice::Removed => Err(choice_removed("member.email_export")),
            choice => Ok(MemberEdit { settings: (after != *settings).then_some(after), choose: choice.value() }),
        }
    }
}

/// The new values of a member. An absent value stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEdit {
    /// Seats, workspaces and data capture.
    pub settings: Option<Settings>,
    /// The value of email export that this edit chooses.
    pub choose: Option<EmailExport>,
}

/// A proposal to edit one member's settings by hand.
#[derive(Clone, Debug)]
pub struct EditMember {
    member: MemberState,
    before: Held,
    edit: MemberEdit,
}

impl EditMember {
    /// Checks an edit of a member.
    ///
    /// # Errors
    /// In this order: `found`, the violations that the caller has found already, together with those of the new settings;
    /// `MEMBER_LOCKED_BY_ASSIGNMENT` while the member's assignment is automatic; a value of email export in phase LEGACY.
    pub fn propose(
        current: Current<'_>,
        member: MemberState,
        edit: MemberEdit,
        mut found: Vec<Violation>,
    ) -> Result<Self, Refusal> {
        let before = member.held.clone().ok_or_else(|| Refusal::MemberNotFound(vec![member.id.clone()]))?;
        let catalog = &current.organization.catalog;
        let of_settings = edit.settings.iter().flat_map(|settings| catalog.check(settings));
        found.extend(of_settings.map(|violation| violation.at("member.settings")));
        Refusal::unless_empty(found)?;
        if current.list.get(&before.assignment)?.update_mode.is_automatic() {
            return Err(Refusal::MemberLockedByAssignment { member: member.id, assignment: before.assignment });
        }
        current.refuse_email_export_in_legacy(edit.choose)?;
        Ok(Self { member, before, edit })
    }

    pub(crate) fn scope(&self) -> Scope<'_> {
        Scope::Loaded(&self.member)
    }

    pub(crate) fn plan(&self, now: Timestamp) -> Plan {
        let Self { member, before, edit } = self;
        let export = match edit.choose {
            Some(value) => Some(MemberExport::given(value, Source::EditedByHand, before.export, now)),
            None => before.export,
        };
        let settings = edit.settings.as_ref().map_or(before.settings, Settings::id);
        let after = Held { assignment: before.assignment.clone(), settings, export };
        let mut plan = Plan { settings: edit.settings.iter().cloned().collect(), ..Plan::default() };
        plan.push(member.id.clone(), Some(before), after, Cause::EditedByHand);
        plan
    }
}
