//! Editing one member's settings by hand (product.md 3).

use super::MemberState;
use crate::{
    AssignmentList, Cause, Held, OrganizationId, Phase, Plan, Refusal, Settings, Timestamp, Violation,
    catalog::Catalog,
    email_export::{EmailExport, MemberExport, Source},
};

/// The new values of a member; absent ones stay as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberEdit {
    /// Seats, workspaces and data capture.
    pub settings: Option<Settings>,
    /// A value of email export that this edit chooses.
    pub choose: Option<EmailExport>,
}

impl MemberEdit {
    /// What the new values ask for that the catalog does not have; fields of a member.
    #[must_use]
    pub fn violations(&self, catalog: &Catalog) -> Vec<Violation> {
        self.settings.iter().flat_map(|settings| catalog.check(settings)).map(|v| v.at("settings")).collect()
    }
}

/// Plans an edit of one member's settings.
///
/// # Errors
/// `MEMBER_LOCKED_BY_ASSIGNMENT` while the member's assignment is automatic, bad settings, or
/// email export given in phase LEGACY.
pub fn plan_edit(
    organization: &OrganizationId,
    phase: Phase,
    catalog: &Catalog,
    list: &AssignmentList,
    member: &MemberState,
    edit: MemberEdit,
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let held = member.held.as_ref().ok_or_else(|| Refusal::MemberNotFound(vec![member.id.clone()]))?;
    Refusal::unless_empty(edit.violations(catalog))?;
    if list.get(&held.assignment)?.update_mode.is_automatic() {
        return Err(Refusal::MemberLockedByAssignment {
            member: member.id.clone(),
            assignment: held.assignment.clone(),
        });
    }
    if phase == Phase::Legacy && edit.choose.is_some() {
        return Err(Refusal::EmailExportNotMigrated(organization.clone()));
    }
    let export = match edit.choose {
        Some(value) => Some(MemberExport::given(value, Source::EditedByHand, held.export, now)),
        None => held.export,
    };
    let settings = edit.settings.as_ref().map_or(held.settings, Settings::id);
    let after = Held { assignment: held.assignment.clone(), settings, export };
    let mut plan = Plan { settings: edit.settings.into_iter().collect(), ..Plan::default() };
    plan.push(member.id.clone(), Some(held), after, Cause::EditedByHand);
    Ok(plan)
}
