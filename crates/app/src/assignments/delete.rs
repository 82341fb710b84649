//! Deleting an assignment. Its members are resolved again if the request says so.

use rollcall_domain::{
    AssignmentId, Proposal,
    assignments::{DeleteAssignment, Deletion},
    names,
};
use rollcall_store::{
    WriteTx,
    assignments::{self as store, StoredList},
};
use serde_json::json;

use crate::{Applied, AuditDraft, Operation, Planned, Result, check_etag, document};

/// A request to delete an assignment.
#[derive(Clone, Debug)]
pub struct AssignmentDeletion<'a> {
    /// The assignment.
    pub id: &'a AssignmentId,
    /// The etag that the caller has read, if the caller gives one.
    pub etag: Option<&'a str>,
    /// Whether its pins are removed and its members are resolved again.
    pub resolve_members: bool,
}

impl Operation for AssignmentDeletion<'_> {
    type Answer = ();
    type Before = ();
    const NAME: &'static str = "delete_assignment";

    async fn propose<'a>(&'a self, tx: &mut WriteTx, stored: &StoredList) -> Result<(Proposal<'a>, ())> {
        let (id, resolve_members) = (self.id, self.resolve_members);
        let members = store::count_members_of(tx, id).await?.members();
        let pins = store::count_pins(tx, id).await?;
        if let Some(meta) = stored.meta.get(id) {
            check_etag(names::assignment(tx.id(), id), self.etag, meta.updated_revision)?;
        }
        let deletion = Deletion { id, members, pins, resolve_members };
        let delete = DeleteAssignment::propose(stored.current(tx.organization()), deletion)?;
        Ok((Proposal::DeleteAssignment(delete), ()))
    }

    fn audit(&self, (): &(), planned: &Planned<'_>) -> AuditDraft {
        let list = &planned.stored.list;
        AuditDraft {
            resource: names::assignment(&planned.organization.id, self.id),
            before: document(json!({ "assignment": list.find(self.id), "rank": list.rank(self.id) })),
            after: None,
        }
    }

    fn answer(&self, (): (), _: &mut Applied<'_>) -> Result<()> {
        Ok(())
    }
}
