//! The use case UpdateAssignment. With automatic updates, the members get the new settings too.

use rollcall_domain::{
    Assignment, AssignmentId, FieldSelection, Proposal,
    assignments::{AssignmentEdit, AssignmentInput, UpdateAssignment},
    email_export::Summary,
    names,
};
use rollcall_store::{WriteTx, assignments as store, assignments::StoredList, directory};
use serde_json::json;

use super::AssignmentView;
use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document};

/// A request to update an assignment.
#[derive(Clone, Debug)]
pub struct AssignmentUpdate<'a> {
    /// The assignment.
    pub id: &'a AssignmentId,
    /// The etag that the caller has read, if the caller gives one.
    pub etag: Option<&'a str>,
    /// The values in the request.
    pub input: &'a AssignmentInput,
    /// Which of them the update takes.
    pub selection: &'a FieldSelection,
}

/// The assignment before the update, with the edit.
pub struct AssignmentBefore {
    assignment: Assignment,
    summary: Summary,
    edit: AssignmentEdit,
}

impl Operation for AssignmentUpdate<'_> {
    type Answer = AssignmentView;
    type Before = AssignmentBefore;
    const NAME: &'static str = "update_assignment";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, AssignmentBefore)> {
        let assignment = stored.list.get(self.id)?.clone();
        let resource = names::assignment(tx.id(), self.id);
        check_etag(&resource, self.etag, stored.meta[self.id].updated_revision)?;
        let edit = self.input.edit(self.selection, &assignment);
        // Groups that the assignment names already may be gone from the directory.
        let added = edit.groups.iter().flatten().filter(|group| !assignment.groups.contains(group));
        let unknown = directory::find_unknown_group(tx, added).await?;
        let update = UpdateAssignment::propose(stored.current(tx.organization()), self.id, &edit, unknown)?;
        let summary = store::count_members_of(tx, self.id).await?;
        Ok((Proposal::UpdateAssignment(update), AssignmentBefore { assignment, summary, edit }))
    }

    fn audit(&self, before: &AssignmentBefore, planned: &Planned<'_>) -> AuditDraft {
        // The assignment as it is saved. If no value is chosen, it has the agreed value (product.md 4.6).
        let saved = planned.plan.saved.as_ref().map(|saved| &saved.assignment);
        AuditDraft {
            resource: names::assignment(&planned.organization.id, self.id),
            before: document(json!({ "assignment": before.assignment })),
            after: document(json!({ "chosen_now": before.edit.choose, "assignment": saved })),
        }
    }

    fn answer(&self, before: AssignmentBefore, applied: &mut Applied<'_>) -> Result<AssignmentView> {
        AssignmentView::of_applied(applied, self.id, Some(before.summary))
    }
}
