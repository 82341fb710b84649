//! Reads the input of a migration plan or rollback plan, and reads the written settings back.

use diesel::{QueryableByName, sql_types::Text};
use rollcall_domain::{
    AssignmentId, MemberId, UpdateMode,
    migration::{LegacyAssignment, LegacyMember, Reading},
};

use crate::{
    ReadTx, Result,
    db::load,
    enum_columns::{EnumColumn, ExportColumns},
    schema::members,
};

#[derive(QueryableByName)]
struct LegacyAssignmentRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = Text)]
    update_mode: EnumColumn<UpdateMode>,
}

/// Reads every assignment in evaluation order, without its settings.
pub async fn list_legacy_assignments(tx: &mut ReadTx) -> Result<Vec<LegacyAssignment>> {
    let rows: Vec<LegacyAssignmentRow> = load!(tx, "list_legacy_assignments").await?;
    let assignment = |row: LegacyAssignmentRow| LegacyAssignment {
        id: AssignmentId::trusted(row.id),
        display_name: row.display_name,
        update_mode: row.update_mode.0,
    };
    Ok(rows.into_iter().map(assignment).collect())
}

#[derive(QueryableByName)]
#[diesel(table_name = members)]
struct LegacyMemberRow {
    id: String,
    active: bool,
    assignment_id: String,
    legacy_email_export: Option<bool>,
}

/// Reads every member with the old setting, in byte order of the members' ids.
pub async fn list_legacy_members(tx: &mut ReadTx) -> Result<Vec<LegacyMember>> {
    let rows: Vec<LegacyMemberRow> = load!(tx, "list_legacy_members").await?;
    let member = |row: LegacyMemberRow| LegacyMember {
        id: MemberId::trusted(row.id),
        active: row.active,
        assignment: AssignmentId::trusted(row.assignment_id),
        legacy: row.legacy_email_export,
    };
    Ok(rows.into_iter().map(member).collect())
}

#[derive(QueryableByName)]
#[diesel(table_name = members)]
struct WrittenSettingRow {
    id: String,
    #[diesel(embed)]
    export: ExportColumns,
}

/// Reads the settings that are written, in byte order of the members' ids. Members without a setting are left out.
pub async fn list_written_settings(tx: &mut ReadTx) -> Result<Reading> {
    let rows: Vec<WrittenSettingRow> = load!(tx, "list_written_settings").await?;
    let setting = |row: WrittenSettingRow| Some((MemberId::trusted(row.id), row.export.into_export()?.setting));
    Ok(rows.into_iter().filter_map(setting).collect())
}
