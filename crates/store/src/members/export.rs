//! The rows of the team members CSV, as they are written: sorted by bytes, ids bare.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Jsonb, Nullable, Text, Timestamptz},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::Timestamp;

use crate::{Limits, ReadTx, Result, db::within, seats::list_pending_of};

/// A row of the team members CSV (product.md 8).
#[derive(Clone, Debug, QueryableByName)]
pub struct MemberRow {
    /// The external id.
    #[diesel(sql_type = Text)]
    pub member: String,
    /// In lower case.
    #[diesel(sql_type = Text)]
    pub email: String,
    /// The given name.
    #[diesel(sql_type = Text)]
    pub given_name: String,
    /// The family name.
    #[diesel(sql_type = Text)]
    pub family_name: String,
    /// The job title.
    #[diesel(sql_type = Text)]
    pub job_title: String,
    /// The manager's address.
    #[diesel(sql_type = Nullable<Text>)]
    pub manager_email: Option<String>,
    /// Whether the member is active.
    #[diesel(sql_type = Bool)]
    pub active: bool,
    /// The assignment's id.
    #[diesel(sql_type = Text)]
    pub assignment: String,
    /// The assignment's name.
    #[diesel(sql_type = Text)]
    pub assignment_name: String,
    /// The assignment's rank.
    #[diesel(sql_type = Integer)]
    pub assignment_rank: i32,
    /// The assignment's update mode.
    #[diesel(sql_type = Text)]
    pub update_mode: String,
    /// Seats that the member holds: what they are given less what they wait for; none while inactive.
    #[diesel(sql_type = Array<Text>)]
    pub seats: Vec<String>,
    /// The seven data capture flags in the order of the header.
    #[diesel(sql_type = Array<Bool>)]
    pub data_capture: Vec<bool>,
    /// The home workspace's id.
    #[diesel(sql_type = Nullable<Text>)]
    pub home_workspace: Option<String>,
    /// Profiles by workspace.
    #[diesel(sql_type = Jsonb)]
    pub permissions: serde_json::Value,
    /// The setting; absent in phase LEGACY.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_export: Option<String>,
    /// The start of the period of EXPORT; absent for "always".
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub email_export_since: Option<Timestamp>,
    /// Where the setting came from.
    #[diesel(sql_type = Nullable<Text>)]
    pub email_export_source: Option<String>,
}

/// Reads up to `limit` members after one, in byte order of their ids.
///
/// # Errors
/// A database that fails.
pub async fn list_member_rows(tx: &mut ReadTx, after: &str, limit: i64) -> Result<Vec<MemberRow>> {
    // A snapshot that is kept for a stream has no end of its own.
    within(Limits::default().statement, load_member_rows(tx, after, limit)).await
}

async fn load_member_rows(tx: &mut ReadTx, after: &str, limit: i64) -> Result<Vec<MemberRow>> {
    let (conn, organization) = tx.parts();
    let mut rows: Vec<MemberRow> = diesel::sql_query(include_str!("../sql/list_member_rows.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(after)
        .bind::<BigInt, _>(limit)
        .load(conn)
        .await?;
    let pending = list_pending_of(tx, rows.iter().map(|row| row.member.as_str()).collect()).await?;
    for row in &mut rows {
        if let Some(pending) = pending.get(&row.member) {
            row.seats.retain(|seat| !pending.contains(seat));
        }
    }
    Ok(rows)
}
