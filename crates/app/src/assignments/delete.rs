//! Deleting an assignment; its members are resolved again if the request says so.

use rollcall_domain::{AssignmentId, OrganizationId, assignments::Proposal, names};
use rollcall_store::{WriteTx, assignments as store};
use serde_json::json;
use uuid::Uuid;

use super::{Carry, carry_out};
use crate::{Answer, App, Call, Changed, Preview, Result, check_etag};

impl App {
    /// Deletes an assignment.
    ///
    /// # Errors
    /// An unknown assignment, the default one, a stale etag, or members or pins that the request
    /// does not allow to be resolved again.
    pub async fn delete_assignment(
        &self,
        call: &Call<'_, ()>,
        organization: &OrganizationId,
        id: &AssignmentId,
        resolve_members: bool,
        etag: Option<&str>,
    ) -> Result<Answer<()>> {
        self.change(call, organization, "delete_assignment", async |tx: &mut WriteTx| {
            let stored = store::get_list(tx).await?;
            let summary = store::count_members(tx, Some(vec![id])).await?.remove(id).unwrap_or_default();
            let members = summary.exporting + summary.not_exporting + summary.inactive;
            let uses = (members, store::count_pins(tx, id).await?);
            let list = stored.list.clone();
            let resource = names::assignment(organization, id);
            if let Some(meta) = stored.meta.get(id) {
                check_etag(&resource, etag, meta.updated_revision)?;
            }
            let proposal = Proposal::delete(tx.organization().phase, list, id, uses, resolve_members)?;
            let carry = Carry {
                caller: call,
                resource,
                before: Some(json!({ "assignment": stored.list.get(id)?, "rank": stored.list.rank(id) })),
                after: None,
                new_uid: Uuid::nil(),
            };
            let done = carry_out(tx, &stored, proposal, carry).await?;
            let preview = call.validate_only.then(|| Preview::of(&done.plan));
            Ok(Changed { value: (), preview, revision: done.revision, warnings: done.warnings })
        })
        .await
    }
}
