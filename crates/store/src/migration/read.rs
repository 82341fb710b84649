//! Reads what a migration or a rollback is planned from, and reads back what it wrote.

use diesel::{QueryableByName, prelude::*, sql_types::Text};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, MemberId, UpdateMode,
    migration::{LegacyAssignment, LegacyMember, Reading},
};

use crate::{
    ReadTx, Result,
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
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database cannot be reached.
pub async fn list_legacy_assignments(tx: &mut ReadTx) -> Result<Vec<LegacyAssignment>> {
    let (conn, organization) = tx.parts();
    let sql = "SELECT id, display_name, update_mode FROM assignments WHERE organization_id = $1 ORDER BY rank";
    let rows: Vec<LegacyAssignmentRow> = diesel::sql_query(sql).bind::<Text, _>(organization).load(conn).await?;
    let assignment = |row: LegacyAssignmentRow| LegacyAssignment {
        id: AssignmentId::trusted(row.id),
        display_name: row.display_name,
        update_mode: row.update_mode.0,
    };
    Ok(rows.into_iter().map(assignment).collect())
}

/// Reads every member with the old setting, in byte order of the members' ids.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database cannot be reached.
pub async fn list_legacy_members(tx: &mut ReadTx) -> Result<Vec<LegacyMember>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<(String, bool, String, Option<bool>)> = members::table
        .filter(members::organization_id.eq(organization))
        .order(members::id)
        .select((members::id, members::active, members::assignment_id, members::legacy_email_export))
        .load(conn)
        .await?;
    let member = |(id, active, assignment, legacy): (String, bool, String, Option<bool>)| LegacyMember {
        id: MemberId::trusted(id),
        active,
        assignment: AssignmentId::trusted(assignment),
        legacy,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// Reads the settings that are written, in byte order of the members' ids. Members without a setting are left out.
///
/// # Errors
/// [`crate::Error::Unavailable`] when the database cannot be reached.
pub async fn list_written_settings(tx: &mut ReadTx) -> Result<Reading> {
    let (conn, organization) = tx.parts();
    let rows: Vec<(String, ExportColumns)> = members::table
        .filter(members::organization_id.eq(organization))
        .order(members::id)
        .select((members::id, ExportColumns::as_select()))
        .load(conn)
        .await?;
    let setting = |(id, export): (String, ExportColumns)| Some((MemberId::trusted(id), export.into_export()?.setting));
    Ok(rows.into_iter().filter_map(setting).collect())
}
