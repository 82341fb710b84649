//! Mixed assignments: what their members have, and who would leave an agreeing one behind.

use std::collections::{BTreeSet, HashMap};

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, MemberId,
    email_export::{EmailExport, Summary},
};

use crate::{ReadTx, Result};

/// What the members of a mixed assignment have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MixedCounts {
    /// As it is shown of every assignment.
    pub summary: Summary,
    /// Inactive members with EXPORT.
    pub inactive_exporting: u32,
    /// Inactive members with `DO_NOT_EXPORT`.
    pub inactive_not_exporting: u32,
}

#[derive(QueryableByName)]
struct CountsRow {
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

impl From<CountsRow> for (AssignmentId, MixedCounts) {
    fn from(row: CountsRow) -> Self {
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

/// Counts the members of every mixed assignment. In phase LEGACY nobody has a setting, so there are none.
///
/// # Errors
/// A database that fails.
pub async fn list_mixed(tx: &mut ReadTx) -> Result<HashMap<AssignmentId, MixedCounts>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<CountsRow> = diesel::sql_query(include_str!("../sql/list_mixed_assignments.sql"))
        .bind::<Text, _>(organization)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

#[derive(QueryableByName)]
struct MemberRow {
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = Text)]
    id: String,
}

/// Reads up to `limit` active members of each of the given assignments who have the value that is given with it.
///
/// # Errors
/// A database that fails.
pub async fn list_members_with(
    tx: &mut ReadTx,
    wanted: &[(&AssignmentId, EmailExport)],
    limit: u32,
) -> Result<HashMap<AssignmentId, BTreeSet<MemberId>>> {
    if wanted.is_empty() {
        return Ok(HashMap::new());
    }
    let with = |value: EmailExport| {
        wanted.iter().filter(|(_, wanted)| *wanted == value).map(|(id, _)| id.as_str()).collect::<Vec<_>>()
    };
    let (conn, organization) = tx.parts();
    let rows: Vec<MemberRow> = diesel::sql_query(include_str!("../sql/list_members_to_move.sql"))
        .bind::<Text, _>(organization)
        .bind::<Array<Text>, _>(with(EmailExport::Export))
        .bind::<Array<Text>, _>(with(EmailExport::DoNotExport))
        .bind::<BigInt, _>(i64::from(limit))
        .load(conn)
        .await?;
    let mut members: HashMap<AssignmentId, BTreeSet<MemberId>> = HashMap::new();
    for row in rows {
        members.entry(AssignmentId::trusted(row.assignment_id)).or_default().insert(MemberId::trusted(row.id));
    }
    Ok(members)
}
