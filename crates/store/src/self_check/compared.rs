//! What the self-check compares, part by part.

use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, AssignmentList, Held, Timestamp,
    email_export::{EmailExport, Source},
    self_check::{CheckedMember, NewestChange},
};
use uuid::Uuid;

use crate::{
    ReadTx, Result,
    db::load,
    enum_columns::{EnumColumn, ExportColumns},
    members::{MemberStateRow, prepare_pages, settings::settings_id},
    schema::{assignments, audit_events},
};

#[derive(QueryableByName)]
struct CheckedMemberRow {
    #[diesel(embed)]
    state: MemberStateRow,
    #[diesel(sql_type = Array<Text>)]
    pending: Vec<String>,
    #[diesel(embed)]
    newest: NewestChangeColumns,
}

/// The newest change of a member; all null without one.
#[derive(QueryableByName)]
struct NewestChangeColumns {
    #[diesel(sql_type = Nullable<BigInt>)]
    changed_revision: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    settings_before: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    assignment_after: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    settings_after: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_after: Option<EnumColumn<EmailExport>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since_after: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source_after: Option<EnumColumn<Source>>,
}

impl NewestChangeColumns {
    fn into_change(self) -> Option<NewestChange> {
        let export = ExportColumns {
            email_export: self.email_export_after,
            email_export_since: self.email_export_since_after,
            email_export_source: self.email_export_source_after,
        };
        let after = Held {
            assignment: AssignmentId::trusted(self.assignment_after?),
            settings: settings_id(self.settings_after?),
            export: export.into_export(),
        };
        let settings_before = self.settings_before.map(settings_id);
        Some(NewestChange { revision: self.changed_revision?, settings_before, after })
    }
}

/// Reads up to `limit` members after the id `after`, in byte order of their ids, with the ranks that match them in
/// `list`.
pub async fn list_checked_members(
    tx: &mut ReadTx,
    list: &AssignmentList,
    after: &str,
    limit: i64,
) -> Result<Vec<CheckedMember>> {
    let ranks = list.first_ranks().into_iter().map(|(group, rank)| (group.to_string(), rank.into())).collect();
    let ranks = serde_json::Value::Object(ranks);
    prepare_pages(tx).await?;
    let rows: Vec<CheckedMemberRow> = load!(tx, "list_checked_members", after, limit, ranks).await?;
    let member = |row: CheckedMemberRow| CheckedMember {
        state: row.state.into(),
        pending: row.pending.into_iter().collect(),
        newest: row.newest.into_change(),
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Reads the stored rank of every assignment, in the order of the ranks.
pub async fn list_ranks(tx: &mut ReadTx) -> Result<Vec<(AssignmentId, u32)>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<(String, i32)> = assignments::table
        .filter(assignments::organization_id.eq(organization))
        .select((assignments::id, assignments::rank))
        .order(assignments::rank)
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(|(id, rank)| (AssignmentId::trusted(id), rank.unsigned_abs())).collect())
}

/// Reads the revisions of up to `limit` audit events after a revision, in their order.
pub async fn list_event_revisions(tx: &mut ReadTx, after: i64, limit: i64) -> Result<Vec<i64>> {
    prepare_pages(tx).await?;
    let (conn, organization) = tx.parts();
    let revisions = audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .filter(audit_events::revision.gt(after))
        .select(audit_events::revision)
        .order(audit_events::revision)
        .limit(limit);
    Ok(revisions.load(conn).await?)
}
