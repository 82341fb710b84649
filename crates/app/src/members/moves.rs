//! Moving members to an assignment, which pins them there, and releasing them.

use rollcall_domain::{
    AssignmentId, MemberId, MemberState, OrganizationId,
    members::{plan_move, plan_release},
    names,
};
use rollcall_store::{WriteTx, assignments};
use serde_json::{Value, json};

use super::{get_states, load_list, write};
use crate::{Answer, App, Call, Changed, Preview, Result};

impl App {
    /// Moves members to an assignment and pins them; answers how many entered it.
    ///
    /// # Errors
    /// An unknown member or assignment.
    pub async fn move_members(
        &self,
        call: &Call<'_, u32>,
        organization: &OrganizationId,
        members: &[MemberId],
        target: &AssignmentId,
        reason: &str,
    ) -> Result<Answer<u32>> {
        self.change(call, organization, "move_members", async |tx: &mut WriteTx| {
            let stored = load_list(tx).await?;
            stored.list.get(target)?;
            let states = get_states(tx, members, &stored).await?;
            let summaries = assignments::count_unchosen(tx, &stored.list).await?;
            let mut plan = plan_move(tx.organization().phase, &stored.list, &states, target, &summaries, tx.now())?;
            let after = json!({ "members": members, "assignment": target, "reason": reason });
            let event = (names::child(organization, "members"), before(&states), Some(after));
            let (revision, warnings) = write(tx, call, (&mut plan, &states), reason, event).await?;
            let preview = call.validate_only.then(|| Preview::of(&plan));
            Ok(Changed { value: plan.counts().assignment_changes, preview, revision, warnings })
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
        call: &Call<'_, u32>,
        organization: &OrganizationId,
        members: &[MemberId],
    ) -> Result<Answer<u32>> {
        self.change(call, organization, "release_members", async |tx: &mut WriteTx| {
            let stored = load_list(tx).await?;
            let states = get_states(tx, members, &stored).await?;
            let summaries = assignments::count_unchosen(tx, &stored.list).await?;
            let mut plan = plan_release(tx.organization().phase, &stored.list, &states, &summaries, tx.now());
            let value = u32::try_from(plan.unpinned.len()).unwrap_or(u32::MAX);
            let (mut revision, mut warnings) = (tx.organization().revision, Vec::new());
            if value > 0 {
                let pinned: Vec<_> = states.iter().filter(|state| state.pin.is_some()).cloned().collect();
                let after = json!({ "members": plan.unpinned });
                let event = (names::child(organization, "members"), before(&pinned), Some(after));
                (revision, warnings) = write(tx, call, (&mut plan, &states), "", event).await?;
            }
            let preview = call.validate_only.then(|| Preview::of(&plan));
            Ok(Changed { value, preview, revision, warnings })
        })
        .await
    }
}

/// Where the members were, and where they were pinned to.
fn before(members: &[MemberState]) -> Option<Value> {
    let were = members.iter().map(|member| {
        let mut was = json!({ "member": member.id, "assignment": member.held.as_ref().map(|held| &held.assignment) });
        if let Some(pin) = &member.pin {
            was["pin"] = json!(pin);
        }
        was
    });
    Some(json!({ "members": were.collect::<Vec<_>>() }))
}
