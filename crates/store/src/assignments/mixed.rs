//! Mixed assignments: counts of their members by email export, and the members to move until the rest agrees.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Integer, Text},
};
use rollcall_domain::{
    AssignmentId, MemberId,
    email_export::{EmailExport, Summary},
};

use crate::{ReadTx, Result, bounded_reads::prepare_bounded_reads, db::load, schema::members};

/// The members of a mixed assignment, counted by email export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedCounts {
    /// The summary that every assignment shows.
    pub summary: Summary,
    /// Inactive members with EXPORT.
    pub inactive_exporting: u32,
    /// Inactive members with `DO_NOT_EXPORT`.
    pub inactive_not_exporting: u32,
}

#[derive(QueryableByName)]
struct MixedCountsRow {
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = Integer)]
    exporting: i32,
    #[diesel(sql_type = Integer)]
    not_exporting: i32,
    #[diesel(sql_type = Integer)]
    inactive_exporting: i32,
    #[diesel(sql_type = Integer)]
    inactive_not_exporting: i32,
}

impl From<MixedCountsRow> for (AssignmentId, MixedCounts) {
    fn from(row: MixedCountsRow) -> Self {
        let inactive_exporting = row.inactive_exporting.unsigned_abs();
        let inactive_not_exporting = row.inactive_not_exporting.unsigned_abs();
        let summary = Summary {
            exporting: row.exporting.unsigned_abs(),
            not_exporting: row.not_exporting.unsigned_abs(),
            inactive: inactive_exporting + inactive_not_exporting,
        };
        let counts = MixedCounts { summary, inactive_exporting, inactive_not_exporting };
        (AssignmentId::trusted(row.assignment_id), counts)
    }
}

/// Counts the members of every mixed assignment. There is none in phase LEGACY, where no member has a setting.
pub async fn count_mixed(tx: &mut ReadTx) -> Result<HashMap<AssignmentId, MixedCounts>> {
    let rows: Vec<MixedCountsRow> = load!(tx, "list_mixed_assignments").await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
struct MemberToMoveRow {
    assignment_id: String,
    id: String,
}

/// Reads, for each given assignment, up to `limit` of its active members that have the given value.
pub async fn list_members_with(
    tx: &mut ReadTx,
    values: &[(&AssignmentId, EmailExport)],
    limit: u32,
) -> Result<HashMap<AssignmentId, BTreeSet<MemberId>>> {
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    prepare_bounded_reads(tx).await?;
    let with = |value: EmailExport| {
        values.iter().filter(|(_, of_members)| *of_members == value).map(|(id, _)| id.as_str()).collect::<Vec<_>>()
    };
    let rows: Vec<MemberToMoveRow> =
        load!(tx, "list_members_to_move", with(EmailExport::Export), with(EmailExport::DoNotExport), i64::from(limit))
            .await?;
    let mut to_move: HashMap<AssignmentId, BTreeSet<MemberId>> = HashMap::new();
    for row in rows {
        to_move.entry(AssignmentId::trusted(row.assignment_id)).or_default().insert(MemberId::trusted(row.id));
    }
    Ok(to_move)
}
