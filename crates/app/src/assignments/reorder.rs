//! Giving the listed assignments a new order, all at once.

use rollcall_domain::{AssignmentId, AssignmentList, Proposal, assignments::ReorderAssignments, names};
use rollcall_store::{WriteTx, assignments::StoredList, audit::Document};
use serde_json::json;

use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document};

/// A request to reorder the list. Its current order changes nothing.
#[derive(Clone, Debug)]
pub struct ListReordering<'a> {
    /// Every listed assignment, in the new order.
    pub order: &'a [AssignmentId],
    /// The etag of the order that the caller has read.
    pub etag: &'a str,
}

impl Operation for ListReordering<'_> {
    /// The etag of the new order.
    type Answer = String;
    type Before = ();
    const NAME: &'static str = "reorder_assignments";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, ())> {
        check_etag(names::child(tx.id(), "assignments"), Some(self.etag), stored.list.order_etag())?;
        let reorder = ReorderAssignments::propose(stored.current(tx.organization()), self.order)?;
        Ok((Proposal::ReorderAssignments(reorder), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        AuditDraft {
            resource: names::child(&planned.organization.id, "assignments"),
            before: order(&planned.stored.list),
            after: order(planned.list),
        }
    }

    fn answer(&self, (): (), applied: &mut Applied<'_>) -> Result<String> {
        Ok(applied.planned.list.order_etag())
    }
}

fn order(list: &AssignmentList) -> Option<Document> {
    let ids: Vec<&AssignmentId> = list.listed().iter().map(|assignment| &assignment.id).collect();
    document(json!({ "order": ids }))
}
