//! Updating an assignment, and its members as its update mode says.

use rollcall_domain::{
    Assignment, AssignmentId, OrganizationId,
    assignments::{Edit, Proposal},
    names,
};
use rollcall_store::{WriteTx, assignments as store, directory};
use serde_json::json;
use uuid::Uuid;

use super::{AssignmentView, Carry, answer, carry_out};
use crate::{Answer, App, Call, Result, check_etag};

/// Makes the edit from the assignment as it is: what a mask or a read-modify-write takes depends on it.
pub type MakeEdit<'a> = dyn Fn(&Assignment) -> Edit + Sync + 'a;

/// An update as it is asked for.
pub struct Update<'a> {
    /// Which assignment.
    pub assignment: &'a AssignmentId,
    /// What the caller has read, if they say.
    pub etag: Option<&'a str>,
    /// The edit.
    pub edit: &'a MakeEdit<'a>,
}

impl App {
    /// Updates an assignment.
    ///
    /// # Errors
    /// An unknown assignment or group, a stale etag, bad values, or a result that is automatic and
    /// still mixed.
    pub async fn update_assignment(
        &self,
        call: &Call<'_, AssignmentView>,
        organization: &OrganizationId,
        update: &Update<'_>,
    ) -> Result<Answer<AssignmentView>> {
        self.change(call, organization, "update_assignment", async |tx: &mut WriteTx| {
            let id = update.assignment;
            let stored = store::get_list(tx).await?;
            let before = stored.list.get(id)?.clone();
            let resource = names::assignment(organization, id);
            check_etag(&resource, update.etag, stored.meta[id].updated_revision)?;
            let edit = (update.edit)(&before);
            let (phase, catalog) = (tx.organization().phase, tx.organization().catalog.clone());
            let list = stored.list.clone();
            // Groups that it names already may be gone.
            let new_groups = edit.groups.iter().flatten().filter(|group| !before.groups.contains(group));
            let unknown = directory::find_unknown_group(tx, new_groups).await?;
            let proposal = Proposal::update(organization, phase, &catalog, list, id, &edit, unknown)?;
            let carry = Carry {
                caller: call,
                resource,
                before: Some(json!({ "assignment": before })),
                after: Some(json!({ "chosen_now": edit.choose })),
                new_uid: Uuid::nil(),
            };
            let done = carry_out(tx, &stored, proposal, carry).await?;
            answer(tx, call, id, done, &stored).await
        })
        .await
    }
}
