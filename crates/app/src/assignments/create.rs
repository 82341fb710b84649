//! Creating an assignment at a position of the list.

use rollcall_domain::{
    Assignment, Proposal,
    assignments::{CreateAssignment, NewAssignment},
    names,
};
use rollcall_store::{WriteTx, assignments::StoredList, directory};
use serde_json::json;
use uuid::Uuid;

use super::AssignmentView;
use crate::{Applied, AuditDraft, Operation, Planned, Result, document};

/// A request to create an assignment.
#[derive(Clone, Debug)]
pub struct AssignmentCreation {
    /// The assignment.
    pub assignment: Assignment,
    /// Its rank, from 1; `None` for the end of the list.
    pub position: Option<u32>,
}

impl Operation for AssignmentCreation {
    type Answer = AssignmentView;
    type Before = ();
    const NAME: &'static str = "create_assignment";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, ())> {
        let (assignment, position) = (self.assignment.clone(), self.position);
        let unknown = directory::find_unknown_group(tx, assignment.groups.iter()).await?;
        let new = NewAssignment { assignment, uid: Uuid::now_v7(), position };
        let create = CreateAssignment::propose(stored.current(tx.organization()), new, unknown)?;
        Ok((Proposal::CreateAssignment(create), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        let saved = planned.plan.saved.as_ref();
        let after = json!({ "rank": saved.map(|s| s.rank), "assignment": saved.map(|s| &s.assignment) });
        let resource = names::assignment(&planned.organization.id, &self.assignment.id);
        AuditDraft { resource, before: None, after: document(after) }
    }

    fn answer(&self, (): (), applied: &mut Applied<'_>) -> Result<AssignmentView> {
        AssignmentView::of_applied(applied, &self.assignment.id, None)
    }
}
