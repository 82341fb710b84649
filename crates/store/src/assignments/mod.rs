//! The ordered list of assignments, and counts of their members.

mod mixed;
mod write;

use std::collections::{BTreeSet, HashMap};

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, Bool, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    Assignment, AssignmentId, AssignmentList, Current, GroupId, Organization, Phase, Timestamp, UpdateMode,
    email_export::{EmailExport, State, Summary},
};
use uuid::Uuid;

pub use mixed::{MixedCounts, count_mixed, list_members_with};
pub(crate) use write::{
    WrittenAssignment, delete_assignment, insert_default, insert_settings, save_assignment, update_ranks,
};

use crate::{
    Error, ReadTx, Result,
    db::{load, statement},
    domain_columns::SummaryColumns,
    enum_columns::EnumColumn,
    members::settings::SettingsColumns,
    schema::{assignments, groups, pins},
};

/// The columns of an assignment that the planner does not need.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = assignments, check_for_backend(Pg))]
pub struct AssignmentMeta {
    /// An id that is never reused.
    pub uid: Uuid,
    /// The revision that last changed the assignment's own fields.
    pub updated_revision: i64,
    /// When the assignment was created.
    pub created_at: Timestamp,
    /// When the assignment's own fields last changed.
    pub updated_at: Timestamp,
}

/// The list of assignments with the metadata of each.
#[derive(Clone, Debug)]
pub struct StoredList {
    /// The list.
    pub list: AssignmentList,
    /// The metadata by assignment.
    pub meta: HashMap<AssignmentId, AssignmentMeta>,
}

impl StoredList {
    /// The organization as a proposal is checked against it.
    #[must_use]
    pub fn current<'a>(&'a self, organization: &'a Organization) -> Current<'a> {
        Current { organization, list: &self.list }
    }
}

#[derive(QueryableByName)]
#[diesel(table_name = assignments, check_for_backend(Pg))]
struct AssignmentRow {
    id: String,
    display_name: String,
    update_mode: EnumColumn<UpdateMode>,
    email_export: Option<EnumColumn<EmailExport>>,
    #[diesel(embed)]
    meta: AssignmentMeta,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
    #[diesel(embed)]
    settings: SettingsColumns,
}

impl AssignmentRow {
    fn split(self) -> Result<(Assignment, AssignmentMeta)> {
        let assignment = Assignment {
            id: AssignmentId::trusted(self.id),
            display_name: self.display_name,
            groups: self.groups.into_iter().map(GroupId::trusted).collect(),
            update_mode: self.update_mode.0,
            settings: self.settings.try_into()?,
            chosen: self.email_export.map(|EnumColumn(chosen)| chosen),
        };
        Ok((assignment, self.meta))
    }
}

/// Reads the whole list in evaluation order.
pub async fn get_list(tx: &mut ReadTx) -> Result<StoredList> {
    let (conn, organization) = tx.parts();
    load_list(conn, organization).await
}

/// Reads the whole list through a connection that other statements may share.
pub(crate) async fn load_list(mut conn: &AsyncPgConnection, organization: &str) -> Result<StoredList> {
    let query = statement!(Prepared("list_assignments"), organization);
    let rows: Vec<AssignmentRow> = query.load(&mut conn).await.map_err(Error::of_statement("list_assignments"))?;
    let mut meta = HashMap::with_capacity(rows.len());
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let (assignment, own) = row.split()?;
        meta.insert(assignment.id.clone(), own);
        listed.push(assignment);
    }
    let default = listed
        .pop()
        .filter(|last| last.id.is_default())
        .ok_or_else(|| Error::corrupt("the default assignment is not the last one"))?;
    Ok(StoredList { list: AssignmentList::new(listed, default), meta })
}

#[derive(QueryableByName)]
struct SummaryRow {
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(embed)]
    summary: SummaryColumns,
}

/// Counts the members of the given assignments, or of all assignments for `None`, by their email export. The result
/// lacks assignments without members.
pub async fn count_members(
    tx: &mut ReadTx,
    assignments: Option<Vec<&AssignmentId>>,
) -> Result<HashMap<AssignmentId, Summary>> {
    let ids = assignments.map(|ids| ids.into_iter().map(AssignmentId::as_str).collect::<Vec<_>>());
    if ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(HashMap::new());
    }
    let rows: Vec<SummaryRow> = load!(tx, "count_members", ids).await?;
    let summary = |row: SummaryRow| (AssignmentId::trusted(row.assignment_id), row.summary.into());
    Ok(rows.into_iter().map(summary).collect())
}

/// Counts the members of an assignment by their email export.
pub async fn count_members_of(tx: &mut ReadTx, assignment: &AssignmentId) -> Result<Summary> {
    let rows: Vec<SummaryRow> = load!(tx, "count_members", vec![assignment.as_str()]).await?;
    Ok(rows.into_iter().next().map(|row| row.summary.into()).unwrap_or_default())
}

#[derive(QueryableByName)]
struct ExportStateRow {
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = Bool)]
    exporting: bool,
    #[diesel(sql_type = Bool)]
    not_exporting: bool,
}

/// Reads what the active members of the assignments without a chosen value have. It decides what entering such an
/// assignment gives (product.md 4.6). No members are counted: an assignment of any size costs the same.
pub async fn list_unchosen_states(tx: &mut ReadTx, list: &AssignmentList) -> Result<HashMap<AssignmentId, State>> {
    let unchosen = list.ranked().map(|(_, a)| a).filter(|a| a.chosen.is_none());
    let unchosen: Vec<&str> = unchosen.map(|a| a.id.as_str()).collect();
    if tx.organization().phase == Phase::Legacy || unchosen.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<ExportStateRow> = load!(tx, "list_export_states", unchosen).await?;
    let state = |row: ExportStateRow| {
        let found =
            Summary { exporting: row.exporting.into(), not_exporting: row.not_exporting.into(), ..Summary::default() };
        (AssignmentId::trusted(row.assignment_id), found.state(None))
    };
    Ok(rows.into_iter().map(state).collect())
}

/// Counts the members who are pinned to an assignment.
pub async fn count_pins(tx: &mut ReadTx, assignment: &AssignmentId) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let pinned =
        pins::table.filter(pins::organization_id.eq(organization)).filter(pins::assignment_id.eq(assignment.as_str()));
    let count: i64 = pinned.count().get_result(conn).await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Returns the given groups that are no longer in the directory.
pub async fn list_missing_groups(tx: &mut ReadTx, named: impl Iterator<Item = &GroupId>) -> Result<BTreeSet<GroupId>> {
    let named: Vec<&str> = named.map(GroupId::as_str).collect();
    if named.is_empty() {
        return Ok(BTreeSet::new());
    }
    let (conn, organization) = tx.parts();
    let missing: Vec<String> = groups::table
        .filter(groups::organization_id.eq(organization))
        .filter(groups::id.eq_any(named))
        .filter(diesel::dsl::not(groups::present))
        .select(groups::id)
        .load(conn)
        .await?;
    Ok(missing.into_iter().map(GroupId::trusted).collect())
}
