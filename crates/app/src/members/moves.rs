//! Moving members to an assignment, which pins them there, and releasing them.

use rollcall_domain::{
    AssignmentId, MemberId, OrganizationId, Plan,
    members::{plan_move, plan_release},
};
use rollcall_store::{WriteTx, assignments};
use serde_json::json;

use super::{get_states, load_list, write};
use crate::{App, Caller, Changed, Preview, Result};

impl App {
    /// Moves members to an assignment and pins them; answers how many entered it.
    ///
    /// # Errors
    /// An unknown member or assignment.
    pub async fn move_members(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        members: &[MemberId],
        target: &AssignmentId,
        reason: &str,
    ) -> Result<Changed<u32>> {
        self.db
            .write(organization, "move_members", async |tx: &mut WriteTx| {
                let stored = load_list(tx).await?;
                stored.list.get(target)?;
                let states = get_states(tx, members, &stored).await?;
                let summaries = assignments::count_unchosen(tx, &stored.list).await?;
                let plan = plan_move(tx.organization().phase, &stored.list, &states, target, &summaries, tx.now())?;
                let after = json!({ "members": members, "assignment": target, "reason": reason });
                let event = (format!("organizations/{organization}/members"), before(&plan), Some(after));
                let revision = write(tx, caller, &plan, reason, event).await?;
                let preview = caller.validate_only.then(|| Preview::of(&plan));
                Ok(Changed { value: plan.counts().assignment_changes, preview, revision })
            })
            .await
    }

    /// Takes members' pins away and resolves them again; answers how many had one. Without any,
    /// nothing is written.
    ///
    /// # Errors
    /// An unknown member.
    pub async fn release_members(
        &self,
        caller: &Caller,
        organization: &OrganizationId,
        members: &[MemberId],
    ) -> Result<Changed<u32>> {
        self.db
            .write(organization, "release_members", async |tx: &mut WriteTx| {
                let stored = load_list(tx).await?;
                let states = get_states(tx, members, &stored).await?;
                let summaries = assignments::count_unchosen(tx, &stored.list).await?;
                let plan = plan_release(tx.organization().phase, &stored.list, &states, &summaries, tx.now());
                let value = u32::try_from(plan.unpinned.len()).unwrap_or(u32::MAX);
                let preview = caller.validate_only.then(|| Preview::of(&plan));
                let mut revision = tx.organization().revision;
                if value > 0 {
                    let after = json!({ "members": plan.unpinned });
                    let event = (format!("organizations/{organization}/members"), before(&plan), Some(after));
                    revision = write(tx, caller, &plan, "", event).await?;
                }
                Ok(Changed { value, preview, revision })
            })
            .await
    }
}

/// Where the members who change assignment were.
fn before(plan: &Plan) -> Option<serde_json::Value> {
    let were = plan.members.iter().map(
        |change| json!({ "member": change.member, "assignment": change.before.as_ref().map(|held| &held.assignment) }),
    );
    Some(json!({ "members": were.collect::<Vec<_>>() }))
}
