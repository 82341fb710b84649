//! Members: reading and explaining them, editing one by hand, moving and releasing many.

mod edit;
mod moves;
mod read;

use rollcall_domain::{MemberId, MemberState, OrganizationId, Plan, Refusal};
use rollcall_store::{
    ReadTx, WriteTx,
    assignments::{self, StoredList},
    changes::{self, Extra},
    members as store,
};
use serde_json::Value;
use uuid::Uuid;

pub use edit::{MakeMemberEdit, MemberUpdate};
pub use read::{Explained, Explanation};
pub use rollcall_store::members::{MemberView, Pin};

use crate::{Caller, Result};

/// Reads the states of members, all of whom must be known.
async fn get_states(tx: &mut ReadTx, members: &[MemberId], stored: &StoredList) -> Result<Vec<MemberState>> {
    let states = store::list_states(tx, members, &stored.list).await?;
    let known: std::collections::HashSet<&MemberId> = states.iter().map(|state| &state.id).collect();
    match members.iter().find(|member| !known.contains(member)) {
        Some(unknown) => Err(Refusal::MemberNotFound(unknown.clone()).into()),
        None => Ok(states),
    }
}

async fn get_view(tx: &mut ReadTx, member: &MemberId) -> Result<MemberView> {
    let view = store::get_member(tx, member).await?;
    Ok(view.ok_or_else(|| Refusal::MemberNotFound(member.clone()))?)
}

/// Writes a plan unless it is only to be checked; answers the revision.
async fn write(
    tx: &mut WriteTx,
    caller: &Caller,
    plan: &Plan,
    reason: &str,
    (resource, before, after): (String, Option<Value>, Option<Value>),
) -> Result<i64> {
    if caller.validate_only {
        return Ok(tx.organization().revision);
    }
    let event = caller.event(resource, before, after);
    Ok(changes::apply(tx, plan, &Extra { new_uid: Uuid::nil(), reason }, event).await?)
}

async fn load_list(tx: &mut ReadTx) -> Result<StoredList> {
    Ok(assignments::get_list(tx).await?)
}

/// The name of a member, with the external id as it is.
fn resource_name(organization: &OrganizationId, member: &MemberId) -> String {
    format!("organizations/{organization}/members/{member}")
}
