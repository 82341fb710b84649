//! Members: reading and explaining them, editing one by hand, moving and releasing many.

mod edit;
mod explain;
mod history;
mod moves;
mod read;

use rollcall_domain::{Held, MemberId, MemberState, Refusal};
use rollcall_store::{ReadTx, assignments::StoredList, members as store};

pub use edit::HandEdit;
pub use explain::Explanation;
pub use history::ExportHistory;
pub use moves::{MemberMove, MemberRelease};
pub use rollcall_store::members::{MemberView, Pin};

use crate::Result;

pub(crate) async fn get_view(tx: &mut ReadTx, member: &MemberId) -> Result<MemberView> {
    let view = store::find_member(tx, member).await?;
    Ok(view.ok_or_else(|| Refusal::MemberNotFound(vec![member.clone()]))?)
}

/// What a plan has to know of the member.
fn state(member: &MemberView, stored: &StoredList) -> MemberState {
    let ranks = stored.list.first_ranks();
    let held = Held { assignment: member.assignment.clone(), settings: member.settings.id(), export: member.export };
    MemberState {
        id: member.id.clone(),
        active: member.active,
        held: Some(held),
        pin: member.pin.as_ref().map(|pin| pin.assignment.clone()),
        matching_ranks: member.groups.iter().filter_map(|group| ranks.get(group).copied()).collect(),
    }
}
