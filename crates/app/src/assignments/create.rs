//! Creating an assignment at a position of the list.

use rollcall_domain::{Assignment, OrganizationId, assignments::Proposal, names};
use rollcall_store::{WriteTx, assignments as store, directory};
use serde_json::json;
use uuid::Uuid;

use super::{AssignmentView, Carry, answer, carry_out};
use crate::{Answer, App, Call, Result};

impl App {
    /// Creates an assignment, at the end of the list unless a position is given.
    ///
    /// # Errors
    /// A taken id, unknown groups, bad values, a position beyond the end, or email export given in
    /// phase LEGACY or missing afterwards.
    pub async fn create_assignment(
        &self,
        call: &Call<'_, AssignmentView>,
        organization: &OrganizationId,
        new: &Assignment,
        position: Option<u32>,
    ) -> Result<Answer<AssignmentView>> {
        self.change(call, organization, "create_assignment", async |tx: &mut WriteTx| {
            let stored = store::get_list(tx).await?;
            let (phase, catalog) = (tx.organization().phase, tx.organization().catalog.clone());
            let list = stored.list.clone();
            let unknown = directory::find_unknown_group(tx, new.groups.iter()).await?;
            let proposal = Proposal::create(organization, phase, &catalog, list, new.clone(), position, unknown)?;
            let carry = Carry {
                caller: call,
                resource: names::assignment(organization, &new.id),
                before: None,
                after: Some(json!({ "rank": proposal.list().rank(&new.id) })),
                new_uid: Uuid::now_v7(),
            };
            let done = carry_out(tx, &stored, proposal, carry).await?;
            answer(tx, call, &new.id, done, &stored).await
        })
        .await
    }
}
