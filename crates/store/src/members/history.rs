//! The history of members: one row for each member and revision, with time and actor from the audit log (product.md 4.9,
//! 9).

use diesel::{pg::Pg, prelude::*};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    AssignmentId, Cause, Held, MemberChange, MemberId, Timestamp,
    email_export::{EmailExport, Source},
    history::RecordedChange,
};
use uuid::Uuid;

use super::settings::settings_id;
use crate::{
    Error, ReadTx, Result,
    db::{clock, statement},
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
    let (conn, organization) = tx.parts();
    load_changes(conn, organization, member, filter).await
}

/// Reads a member's changes through a connection that other statements may share.
pub(super) async fn load_changes(
    mut conn: &AsyncPgConnection,
    organization: &str,
    member: &MemberId,
    filter: HistoryFilter,
) -> Result<Vec<RecordedChange>> {
    let query = statement!(
        Prepared("list_member_changes"),
        organization,
        member.as_str(),
        filter.email_export,
        filter.before,
        filter.until,
        filter.limit.map(i64::from)
    );
    let rows: Vec<MemberChangeRow> = query.load(&mut conn).await.map_err(Error::of_statement("list_member_changes"))?;
    Ok(rows.into_iter().map(|row| row.into_recorded(member.clone())).collect())
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
