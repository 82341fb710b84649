//! Members: reading and explaining them, editing one by hand, moving and releasing many.

mod edit;
mod explain;
mod history;
mod moves;
mod read;

use rollcall_domain::{MemberId, MemberState, OrganizationId, Plan, Refusal, seats::Claimant};
use rollcall_store::{
    ReadTx, WriteTx,
    assignments::{self, StoredList},
    changes::{self, Extra},
    members as store,
};
use serde_json::Value;
use uuid::Uuid;

pub use edit::{MakeMemberEdit, MemberUpdate};
pub use explain::{Explained, Explanation};
pub use history::ExportHistory;
pub use rollcall_store::members::{MemberView, Pin};

use crate::{Caller, Result, Warning, seats};

/// Reads the states of members, all of whom must be known.
async fn get_states(tx: &mut ReadTx, members: &[MemberId], stored: &StoredList) -> Result<Vec<MemberState>> {
    let states = store::list_states(tx, members, &stored.list).await?;
    let known: std::collections::HashSet<&MemberId> = states.iter().map(|state| &state.id).collect();
    let unknown: Vec<MemberId> = members.iter().filter(|member| !known.contains(member)).cloned().collect();
    if unknown.is_empty() { Ok(states) } else { Err(Refusal::MemberNotFound(unknown).into()) }
}

async fn get_view(tx: &mut ReadTx, member: &MemberId) -> Result<MemberView> {
    let view = store::find_member(tx, member).await?;
    Ok(view.ok_or_else(|| Refusal::MemberNotFound(vec![member.clone()]))?)
}

/// Adds to the plan for these members what it does to seats, and writes it unless it is only to be checked; answers the
/// revision.
async fn write(
    tx: &mut WriteTx,
    caller: &Caller,
    (plan, members): (&mut Plan, &[MemberState]),
    reason: &str,
    (resource, before, after): (String, Option<Value>, Option<Value>),
) -> Result<(i64, Vec<Warning>)> {
    let claimants = |plan: &Plan| Claimant::of_plan(plan, members);
    let warnings = seats::settle(tx, plan, claimants, caller.validate_only).await?;
    if caller.validate_only {
        return Ok((tx.organization().revision, warnings));
    }
    let event = caller.event(resource, before, after);
    let revision = changes::apply(tx, plan, &Extra { new_uid: Uuid::nil(), reason }, event).await?;
    Ok((revision, warnings))
}

async fn load_list(tx: &mut ReadTx) -> Result<StoredList> {
    Ok(assignments::get_list(tx).await?)
}

/// The name of a member, with the external id as it is.
pub(crate) fn resource_name(organization: &OrganizationId, member: &MemberId) -> String {
    format!("organizations/{organization}/members/{member}")
}
