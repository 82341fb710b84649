//! Moving an assignment to another position of the list.

use rollcall_domain::{AssignmentId, Proposal, assignments::ReorderAssignments, email_export::Summary, names};
use rollcall_store::{WriteTx, assignments as store, assignments::StoredList};
use serde_json::json;

use super::AssignmentView;
use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document};

/// A request to move an assignment. Moving it to its own rank changes nothing.
#[derive(Clone, Debug)]
pub struct AssignmentMove<'a> {
    /// The assignment.
    pub id: &'a AssignmentId,
    /// Its new rank, from 1.
    pub position: u32,
    /// The etag that the caller has read, if the caller gives one.
    pub etag: Option<&'a str>,
}

impl Operation for AssignmentMove<'_> {
    type Answer = AssignmentView;
    type Before = Summary;
    const NAME: &'static str = "move_assignment";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, Summary)> {
        let current = stored.current(tx.organization());
        let reorder = ReorderAssignments::propose_move(current, self.id, self.position)?;
        check_etag(names::assignment(tx.id(), self.id), self.etag, stored.meta[self.id].updated_revision)?;
        Ok((Proposal::ReorderAssignments(reorder), store::count_members_of(tx, self.id).await?))
    }

    fn audit(&self, _: &Summary, planned: &Planned<'_>) -> AuditDraft {
        AuditDraft {
            resource: names::assignment(&planned.organization.id, self.id),
            before: document(json!({ "rank": planned.stored.list.rank(self.id) })),
            after: document(json!({ "rank": self.position })),
        }
    }

    fn answer(&self, summary: Summary, applied: &mut Applied<'_>) -> Result<AssignmentView> {
        AssignmentView::of_applied(applied, self.id, Some(summary))
    }
}
