//! Lists the members that a write touched.

use diesel::{
    prelude::*,
    sql_types::{Bool, Nullable, Text},
};
use rollcall_domain::{AssignmentId, Cause, MemberId, email_export::EmailExport};

use crate::{ReadTx, Result, db::load, enum_columns::EnumColumn};

/// A member that a write touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedMember {
    /// The member.
    pub member: MemberId,
    /// How the assignment, the settings or email export changed. `None` if only identity, groups, pin, old setting or a
    /// pending seat changed.
    pub change: Option<TouchedChange>,
}

/// What a write changed of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TouchedChange {
    /// Why.
    pub cause: Cause,
    /// The assignment before the write; `None` for a new member.
    pub assignment_before: Option<AssignmentId>,
    /// The assignment after the write.
    pub assignment_after: AssignmentId,
    /// Email export before the write; `None` for a new member and in phase LEGACY.
    pub export_before: Option<EmailExport>,
    /// Email export after the write; `None` in phase LEGACY.
    pub export_after: Option<EmailExport>,
    /// Whether other settings changed.
    pub settings_changed: bool,
}

#[derive(QueryableByName)]
struct TouchedMemberRow {
    #[diesel(sql_type = Text)]
    member_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    cause: Option<EnumColumn<Cause>>,
    #[diesel(sql_type = Nullable<Text>)]
    assignment_before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    assignment_after: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_before: Option<EnumColumn<EmailExport>>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_after: Option<EnumColumn<EmailExport>>,
    #[diesel(sql_type = Bool)]
    settings_changed: bool,
}

impl From<TouchedMemberRow> for TouchedMember {
    fn from(row: TouchedMemberRow) -> Self {
        let change = row.cause.zip(row.assignment_after).map(|(EnumColumn(cause), assignment_after)| TouchedChange {
            cause,
            assignment_before: row.assignment_before.map(AssignmentId::trusted),
            assignment_after: AssignmentId::trusted(assignment_after),
            export_before: row.email_export_before.map(|column| column.0),
            export_after: row.email_export_after.map(|column| column.0),
            settings_changed: row.settings_changed,
        });
        Self { member: MemberId::trusted(row.member_id), change }
    }
}

/// Reads up to `limit` members after the id `after` that the write of a revision touched, in byte order of their ids.
pub async fn list_touched_members(
    tx: &mut ReadTx,
    revision: i64,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<TouchedMember>> {
    let rows: Vec<TouchedMemberRow> =
        load!(tx, "list_audit_event_members", revision, after.unwrap_or_default(), i64::from(limit)).await?;
    Ok(rows.into_iter().map(TouchedMember::from).collect())
}
