//! What members have had: one row a member and revision, with when and by whom from the audit
//! (product.md 4.9, 9).

use std::collections::BTreeSet;

use diesel::{
    QueryableByName,
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Held, MemberChange, MemberId, Timestamp,
    history::{Bundles, Recorded},
};
use uuid::Uuid;

use super::settings::get_settings;
use crate::{ReadTx, Result, db::clock, schema::members, words};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = Nullable<Text>)]
    assignment_before: Option<String>,
    #[diesel(sql_type = Text)]
    assignment_after: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    settings_before: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    settings_after: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_after: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since_before: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since_after: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source_before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source_after: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: Timestamp,
    #[diesel(sql_type = Text)]
    actor: String,
}

/// The columns of what a member had, before or after.
type HeldColumns = (String, Uuid, Option<String>, Option<Timestamp>, Option<String>);

fn to_held((assignment, settings, export, since, source): HeldColumns) -> Result<Held> {
    Ok(Held {
        assignment: AssignmentId::trusted(assignment),
        settings: words::settings_id(settings),
        export: words::member_export(export.as_deref(), since, source.as_deref())?,
    })
}

impl Row {
    fn into_recorded(self, member: MemberId) -> Result<Recorded> {
        let (since, source) = (self.email_export_since_before, self.email_export_source_before);
        let before = self.assignment_before.zip(self.settings_before);
        let before = before
            .map(|(assignment, settings)| to_held((assignment, settings, self.email_export_before, since, source)));
        let after = to_held((
            self.assignment_after,
            self.settings_after,
            self.email_export_after,
            self.email_export_since_after,
            self.email_export_source_after,
        ))?;
        let cause = words::cause(&self.cause)?;
        let change = MemberChange { member, before: before.transpose()?, after, cause };
        Ok(Recorded { change, revision: self.revision, time: self.occurred_at, actor: self.actor })
    }
}

/// Which of a member's changes are read, newest first.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Only those of email export: its value, its start or its source.
    pub email_export: bool,
    /// Only those before this revision.
    pub before: Option<i64>,
    /// Only those up to this time.
    pub until: Option<Timestamp>,
    /// At most so many.
    pub limit: Option<u32>,
}

/// Reads a member's changes, newest first.
///
/// # Errors
/// A database that fails.
pub async fn list_changes(tx: &mut ReadTx, member: &MemberId, wanted: Wanted) -> Result<Vec<Recorded>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> = diesel::sql_query(include_str!("../sql/list_member_changes.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(member.as_str())
        .bind::<Bool, _>(wanted.email_export)
        .bind::<Nullable<BigInt>, _>(wanted.before)
        .bind::<Nullable<Timestamptz>, _>(wanted.until)
        .bind::<Nullable<BigInt>, _>(wanted.limit.map(i64::from))
        .load(conn)
        .await?;
    rows.into_iter().map(|row| row.into_recorded(member.clone())).collect()
}

/// Reads the settings that changes are between.
///
/// # Errors
/// A database that fails.
pub async fn list_bundles(tx: &mut ReadTx, changes: &[Recorded]) -> Result<Bundles> {
    let held = changes.iter().flat_map(|Recorded { change, .. }| change.before.iter().chain([&change.after]));
    let ids: BTreeSet<_> = held.map(|held| held.settings).collect();
    get_settings(tx, &ids).await
}

/// What is known of a member's beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// When they were first synced.
    pub known_since: Timestamp,
    /// Their old setting, as it was imported last.
    pub legacy: Option<bool>,
}

/// Reads a member's beginning.
///
/// # Errors
/// A database that fails.
pub async fn find_beginning(tx: &mut ReadTx, member: &MemberId) -> Result<Option<Beginning>> {
    let (conn, organization) = tx.parts();
    let found: Option<(Timestamp, Option<bool>)> = members::table
        .find((organization, member.as_str()))
        .select((members::created_at, members::legacy_email_export))
        .first(conn)
        .await
        .optional()?;
    Ok(found.map(|(known_since, legacy)| Beginning { known_since, legacy }))
}

/// The time: the database's clock, but never before the organization's last write.
///
/// # Errors
/// A database that fails.
pub async fn get_time(tx: &mut ReadTx) -> Result<Timestamp> {
    let (conn, _) = tx.parts();
    let now = clock(conn).await?;
    Ok(now.max(tx.organization().last_write_at))
}
