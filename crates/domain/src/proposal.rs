//! A proposal: a change of any kind that was checked against the organization as it is stored. Loading its members,
//! planning and applying are the same for every kind.

use crate::{
    AssignmentList, Current, Facts, Organization, Plan, Refusal, Scope, Timestamp,
    assignments::{CreateAssignment, DeleteAssignment, ReorderAssignments, UpdateAssignment},
    catalog::ReplaceCatalog,
    directory::SyncDirectory,
    grant::GrantContext,
    members::{EditMember, MoveMembers, ReleaseMembers},
};

/// A change of an organization, one variant for each kind.
#[derive(Clone, Debug)]
pub enum Proposal<'a> {
    /// Replaces the organization's own fields. The value is the organization after the update.
    UpdateOrganization(Box<Organization>),
    /// Replaces the catalog.
    ReplaceCatalog(ReplaceCatalog<'a>),
    /// Creates an assignment.
    CreateAssignment(CreateAssignment),
    /// Updates an assignment.
    UpdateAssignment(UpdateAssignment),
    /// Deletes an assignment.
    DeleteAssignment(DeleteAssignment),
    /// Changes the order of the list.
    ReorderAssignments(ReorderAssignments),
    /// Edits one member's settings by hand.
    EditMember(EditMember),
    /// Moves members to an assignment.
    MoveMembers(MoveMembers<'a>),
    /// Releases members from their pins.
    ReleaseMembers(ReleaseMembers<'a>),
    /// Syncs people, groups and memberships.
    SyncDirectory(SyncDirectory<'a>),
}

impl Proposal<'_> {
    /// The members that the change can touch.
    #[must_use]
    pub fn scope(&self) -> Scope<'_> {
        match self {
            Self::UpdateOrganization(_) | Self::ReplaceCatalog(_) => Scope::NoMember,
            Self::CreateAssignment(create) => create.scope(),
            Self::UpdateAssignment(update) => update.scope(),
            Self::DeleteAssignment(delete) => delete.scope(),
            Self::ReorderAssignments(reorder) => reorder.scope(),
            Self::EditMember(edit) => edit.scope(),
            Self::MoveMembers(moves) => moves.scope(),
            Self::ReleaseMembers(release) => release.scope(),
            Self::SyncDirectory(sync) => sync.scope(),
        }
    }

    /// The list as it would be. Members are to be loaded with their ranks in this list.
    #[must_use]
    pub fn list<'l>(&'l self, current: Current<'l>) -> &'l AssignmentList {
        match self {
            Self::CreateAssignment(create) => &create.list,
            Self::UpdateAssignment(update) => &update.list,
            Self::DeleteAssignment(delete) => &delete.list,
            Self::ReorderAssignments(reorder) => &reorder.list,
            Self::UpdateOrganization(_)
            | Self::ReplaceCatalog(_)
            | Self::EditMember(_)
            | Self::MoveMembers(_)
            | Self::ReleaseMembers(_)
            | Self::SyncDirectory(_) => current.list,
        }
    }

    /// Plans the change at the time `now`. `facts` is what was loaded for [`Proposal::scope`].
    ///
    /// # Errors
    /// `EMAIL_EXPORT_UNRESOLVED`, `MEMBER_NOT_FOUND` or `MASS_CHANGE_BLOCKED`, by the kind of the change.
    pub fn plan(&self, current: Current<'_>, facts: &Facts, now: Timestamp) -> Result<Plan, Refusal> {
        let grants = GrantContext::new(current.organization.phase, now, self.list(current), &facts.states);
        match self {
            Self::UpdateOrganization(after) => {
                let changed = Some((**after).clone()).filter(|after| after != current.organization);
                Ok(Plan { organization: changed, ..Plan::default() })
            }
            Self::ReplaceCatalog(replace) => Ok(replace.plan(current)),
            Self::CreateAssignment(create) => Ok(create.plan(facts, &grants)),
            Self::UpdateAssignment(update) => update.plan(facts, &grants),
            Self::DeleteAssignment(delete) => Ok(delete.plan(facts, &grants)),
            Self::ReorderAssignments(reorder) => Ok(reorder.plan(facts, &grants)),
            Self::EditMember(edit) => Ok(edit.plan(now)),
            Self::MoveMembers(moves) => moves.plan(facts, &grants),
            Self::ReleaseMembers(release) => release.plan(facts, &grants),
            Self::SyncDirectory(sync) => sync.plan(current, facts, &grants),
        }
    }

    /// Whether a plan of this change is written and makes a revision. A plan that changes nothing is not, except that an
    /// edit by hand is always recorded.
    #[must_use]
    pub fn is_recorded(&self, plan: &Plan) -> bool {
        matches!(self, Self::EditMember(_)) || !plan.is_empty()
    }
}
