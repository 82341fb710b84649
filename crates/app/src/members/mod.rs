//! Members: reading and explaining them, editing one by hand, moving and releasing many.

mod edit;
mod explain;
mod history;
mod moves;
mod read;

use rollcall_domain::{MemberId, Refusal};
use rollcall_store::{ReadTx, members as store};

pub use edit::Edit;
pub use explain::{Explained, Explanation};
pub use history::ExportHistory;
pub use moves::{Move, Release};
pub use rollcall_store::members::{MemberView, Pin};

use crate::Result;

async fn get_view(tx: &mut ReadTx, member: &MemberId) -> Result<MemberView> {
    let view = store::find_member(tx, member).await?;
    Ok(view.ok_or_else(|| Refusal::MemberNotFound(vec![member.clone()]))?)
}
