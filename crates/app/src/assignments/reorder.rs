//! Putting the listed assignments in a new order, all at once.

use rollcall_domain::{AssignmentId, AssignmentList, OrganizationId, assignments::Proposal, names};
use rollcall_store::{WriteTx, assignments as store};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Carry, carry_out};
use crate::{Answer, App, Call, Changed, Preview, Result, check_etag};

impl App {
    /// Puts the listed assignments in a new order, and answers its etag. The order that they are in already is no change:
    /// nothing is written.
    ///
    /// # Errors
    /// An unknown organization, a stale etag, or anything but a permutation of the listed assignments.
    pub async fn reorder_assignments(
        &self,
        call: &Call<'_, String>,
        organization: &OrganizationId,
        order: &[AssignmentId],
        etag: &str,
    ) -> Result<Answer<String>> {
        self.change(call, organization, "reorder_assignments", async |tx: &mut WriteTx| {
            let stored = store::get_list(tx).await?;
            let (resource, current) = (names::child(organization, "assignments"), stored.list.order_etag());
            check_etag(&resource, Some(etag), &current)?;
            let proposal = Proposal::reorder(tx.organization().phase, &stored.list, order)?;
            let value = proposal.list().order_etag();
            if value == current {
                let preview = call.validate_only.then(Preview::default);
                return Ok(Changed { value, preview, revision: tx.organization().revision, warnings: Vec::new() });
            }
            let carry = Carry {
                caller: call,
                resource,
                before: Some(ids(&stored.list)),
                after: Some(ids(proposal.list())),
                new_uid: Uuid::nil(),
            };
            let done = carry_out(tx, &stored, proposal, carry).await?;
            let preview = call.validate_only.then(|| Preview::of(&done.plan));
            Ok(Changed { value, preview, revision: done.revision, warnings: done.warnings })
        })
        .await
    }
}

/// The order, for the audit.
fn ids(list: &AssignmentList) -> Value {
    let ids: Vec<&AssignmentId> = list.listed().iter().map(|assignment| &assignment.id).collect();
    json!({ "order": ids })
}
