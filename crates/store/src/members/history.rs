//! The history of members: one row for each member and revision, with time and actor from the audit log (product.md 4.9,
//! 9).

use std::collections::BTreeSet;

use diesel::{pg::Pg, prelude::*};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, Cause, Held, MemberChange, MemberId, Timestamp,
    email_export::{EmailExport, Source},
    history::{Bundles, RecordedChange},
};
use uuid::Uuid;

use super::settings::{get_settings, settings_id};
use crate::{
    ReadTx, Result,
    db::{clock, load},
    enum_columns::{EnumColumn, ExportColumns},
    schema::{audit_events, member_changes, members},
};

#[derive(QueryableByName)]
#[diesel(table_name = member_changes, check_for_backend(Pg))]
struct MemberChangeRow {
    revision: i64,
    cause: EnumColumn<Cause>,
    assignment_before: Option<String>,
    assignment_after: String,
    settings_before: Option<Uuid>,
    settings_after: Uuid,
    email_export_before: Option<EnumColumn<EmailExport>>,
    email_export_after: Option<EnumColumn<EmailExport>>,
    email_export_since_before: Option<Timestamp>,
    email_export_since_after: Option<Timestamp>,
    email_export_source_before: Option<EnumColumn<Source>>,
    email_export_source_after: Option<EnumColumn<Source>>,
    #[diesel(embed)]
    write: WriteColumns,
}

/// The columns of the audit event.
#[derive(QueryableByName)]
#[diesel(table_name = audit_events, check_for_backend(Pg))]
struct WriteColumns {
    occurred_at: Timestamp,
    actor: String,
}

impl MemberChangeRow {
    fn into_recorded(self, member: MemberId) -> RecordedChange {
        let held = |assignment, settings, export: ExportColumns| Held {
            assignment: AssignmentId::trusted(assignment),
            settings: settings_id(settings),
            export: export.into_export(),
        };
        let export_before = ExportColumns {
            email_export: self.email_export_before,
            email_export_since: self.email_export_since_before,
            email_export_source: self.email_export_source_before,
        };
        let export_after = ExportColumns {
            email_export: self.email_export_after,
            email_export_since: self.email_export_since_after,
            email_export_source: self.email_export_source_after,
        };
        let before = self.assignment_before.zip(self.settings_before);
        let before = before.map(|(assignment, settings)| held(assignment, settings, export_before));
        let after = held(self.assignment_after, self.settings_after, export_after);
        let change = MemberChange { member, before, after, cause: self.cause.0 };
        RecordedChange { change, revision: self.revision, time: self.write.occurred_at, actor: self.write.actor }
    }
}

/// A filter of the changes of a member.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryFilter {
    /// Only changes of email export: of its value, its start or its source.
    pub email_export: bool,
    /// Only changes before this revision.
    pub before: Option<i64>,
    /// Only changes up to this time.
    pub until: Option<Timestamp>,
    /// The largest number of changes.
    pub limit: Option<u32>,
}

/// Reads a member's changes, newest first.
pub async fn list_changes(tx: &mut ReadTx, member: &MemberId, filter: HistoryFilter) -> Result<Vec<RecordedChange>> {
    let rows: Vec<MemberChangeRow> = load!(
        tx,
        "list_member_changes",
        member.as_str(),
        filter.email_export,
        filter.before,
        filter.until,
        filter.limit.map(i64::from)
    )
    .await?;
    Ok(rows.into_iter().map(|row| row.into_recorded(member.clone())).collect())
}

/// Reads the settings before and after each change.
pub async fn list_bundles(tx: &mut ReadTx, changes: &[RecordedChange]) -> Result<Bundles> {
    let held = changes.iter().flat_map(|RecordedChange { change, .. }| change.before.iter().chain([&change.after]));
    let ids: BTreeSet<_> = held.map(|held| held.settings).collect();
    get_settings(tx, &ids).await
}

/// The time when a member became known, with the old setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// When the member was first synced.
    pub known_since: Timestamp,
    /// The old setting that was last imported for the member.
    pub legacy: Option<bool>,
}

/// Reads when a member became known, if the organization has the member.
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

/// Returns the time of the database's clock, or of the organization's last write if that is later.
pub async fn get_time(tx: &mut ReadTx) -> Result<Timestamp> {
    let (conn, _) = tx.parts();
    let now = clock(conn).await?;
    Ok(now.max(tx.organization().last_write_at))
}
