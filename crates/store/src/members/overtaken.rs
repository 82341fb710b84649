//! The members that a new order of the list can move.

use rollcall_domain::{MemberState, assignments::Overtaken};

use super::MemberStateRow;
use crate::{ReadTx, Result, db::load};

/// Reads the members with the ranks that overtake their assignment.
pub(super) async fn list_overtaken(tx: &mut ReadTx, overtaken: &Overtaken) -> Result<Vec<MemberState>> {
    let Overtaken { assignments, groups } = overtaken;
    let (groups, first): (Vec<&str>, Vec<i32>) =
        groups.iter().map(|(id, rank)| (id.as_str(), rank.cast_signed())).unzip();
    let (assignments, ranks): (Vec<&str>, Vec<i32>) =
        assignments.iter().map(|(id, rank)| (id.as_str(), rank.cast_signed())).unzip();
    if assignments.is_empty() || groups.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<MemberStateRow> = load!(tx, "list_overtaken_members", groups, first, assignments, ranks).await?;
    Ok(rows.into_iter().map(MemberState::from).collect())
}
