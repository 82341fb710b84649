//! The members that a new order of the list can move.

use diesel::{QueryableByName, sql_types::Bool};
use rollcall_domain::{MemberState, assignments::Overtaken};

use super::MemberStateRow;
use crate::{ReadTx, Result, bounded_reads::prepare_bounded_reads, db::load};

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
    let rows: Vec<MemberStateRow> = if has_fewer_members(tx, &assignments, &groups).await? {
        let first_ranks = groups.iter().zip(first).map(|(group, rank)| ((*group).to_owned(), rank.into())).collect();
        let first_ranks = serde_json::Value::Object(first_ranks);
        load!(tx, "list_overtaken_of_assignments", assignments, ranks, first_ranks).await?
    } else {
        load!(tx, "list_overtaken_members", groups, first, assignments, ranks).await?
    };
    Ok(rows.into_iter().map(MemberState::from).collect())
}

/// How many members of assignments and groups are counted to find out which of them have fewer.
const COMPARED: i64 = 1_000;

#[derive(QueryableByName)]
struct SmallerRow {
    #[diesel(sql_type = Bool)]
    is_smaller: bool,
}

/// Returns whether assignments have fewer members than groups, and less than [`COMPARED`]. The planner cannot know this:
/// it has no statistics of the bound assignments and groups.
async fn has_fewer_members(tx: &mut ReadTx, assignments: &[&str], groups: &[&str]) -> Result<bool> {
    prepare_bounded_reads(tx).await?;
    let rows: Vec<SmallerRow> = load!(tx, "compare_overtaken", assignments, groups, COMPARED).await?;
    Ok(rows.into_iter().any(|row| row.is_smaller))
}
