//! Moving an assignment to another position of the list.

use rollcall_domain::{AssignmentId, OrganizationId, assignments::Proposal, names};
use rollcall_store::{WriteTx, assignments as store};
use serde_json::json;
use uuid::Uuid;

use super::{AssignmentView, Carry, answer, carry_out, get_view};
use crate::{Answer, App, Call, Changed, Preview, Result, check_etag};

impl App {
    /// Moves an assignment to a rank. The one that it has already is no change: nothing is written.
    ///
    /// # Errors
    /// An unknown assignment, the default one, a stale etag, or a position beyond the list.
    pub async fn move_assignment(
        &self,
        call: &Call<'_, AssignmentView>,
        organization: &OrganizationId,
        id: &AssignmentId,
        position: u32,
        etag: Option<&str>,
    ) -> Result<Answer<AssignmentView>> {
        self.change(call, organization, "move_assignment", async |tx: &mut WriteTx| {
            let stored = store::get_list(tx).await?;
            let before = stored.list.rank(id);
            let proposal = Proposal::move_to(tx.organization().phase, &stored.list, id, position)?;
            let resource = names::assignment(organization, id);
            check_etag(&resource, etag, stored.meta[id].updated_revision)?;
            if before == Some(position) {
                let (value, revision) = (get_view(tx, id).await?, tx.organization().revision);
                let preview = call.validate_only.then(Preview::default);
                return Ok(Changed { value, preview, revision, warnings: Vec::new() });
            }
            let carry = Carry {
                caller: call,
                resource,
                before: Some(json!({ "rank": before })),
                after: Some(json!({ "rank": position })),
                new_uid: Uuid::nil(),
            };
            let done = carry_out(tx, &stored, proposal, carry).await?;
            answer(tx, call, id, done, &stored).await
        })
        .await
    }
}
