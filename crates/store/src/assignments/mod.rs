//! The ordered list of assignments, and what their members have.

mod mixed;
mod write;

use std::collections::{BTreeSet, HashMap};

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    Assignment, AssignmentId, AssignmentList, Current, GroupId, Organization, Settings, Timestamp,
    email_export::Summary,
};
use uuid::Uuid;

pub use mixed::{MixedCounts, list_members_with, list_mixed};
pub(crate) use write::{delete_assignment, insert_default, insert_settings, save_assignment, update_ranks};

use crate::{Error, ReadTx, Result, members::settings::list_settings, words};

/// What is stored of an assignment beside its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssignmentMeta {
    /// Never used again.
    pub uid: Uuid,
    /// The revision that last changed its own fields.
    pub updated_revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its own fields last changed.
    pub updated_at: Timestamp,
}

/// The list with what is stored beside it.
#[derive(Clone, Debug)]
pub struct StoredList {
    /// The list.
    pub list: AssignmentList,
    /// By assignment.
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
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = SqlUuid)]
    uid: Uuid,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = Text)]
    update_mode: String,
    #[diesel(sql_type = Nullable<Text>)]
    email_export: Option<String>,
    #[diesel(sql_type = BigInt)]
    updated_revision: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: Timestamp,
    #[diesel(sql_type = Array<Text>)]
    groups: Vec<String>,
    #[diesel(sql_type = SqlUuid)]
    settings_id: Uuid,
}

impl Row {
    fn split(self, settings: &HashMap<Uuid, Settings>) -> Result<(Assignment, AssignmentMeta)> {
        let settings = settings
            .get(&self.settings_id)
            .ok_or_else(|| Error::corrupt(format!("the settings of assignment {} are missing", self.id)))?;
        let assignment = Assignment {
            id: AssignmentId::trusted(self.id),
            display_name: self.display_name,
            groups: self.groups.into_iter().map(GroupId::trusted).collect(),
            update_mode: words::update_mode(&self.update_mode)?,
            settings: settings.clone(),
            chosen: self.email_export.as_deref().map(words::email_export).transpose()?,
        };
        let meta = AssignmentMeta {
            uid: self.uid,
            updated_revision: self.updated_revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        Ok((assignment, meta))
    }
}

/// Reads the whole list in evaluation order.
///
/// # Errors
/// A database that fails, or a list without its default assignment.
pub async fn get_list(tx: &mut ReadTx) -> Result<StoredList> {
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> =
        diesel::sql_query(include_str!("../sql/list_assignments.sql")).bind::<Text, _>(organization).load(conn).await?;
    let ids: BTreeSet<Uuid> = rows.iter().map(|row| row.settings_id).collect();
    let settings = list_settings(tx, ids).await?;
    let mut meta = HashMap::with_capacity(rows.len());
    let mut listed = Vec::with_capacity(rows.len());
    for row in rows {
        let (assignment, kept) = row.split(&settings)?;
        meta.insert(assignment.id.clone(), kept);
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
    #[diesel(sql_type = Integer)]
    exporting: i32,
    #[diesel(sql_type = Integer)]
    not_exporting: i32,
    #[diesel(sql_type = Integer)]
    inactive: i32,
}

/// Counts what the members of the given assignments have; of all when none are given. An
/// assignment without members is not in the answer.
///
/// # Errors
/// A database that fails.
pub async fn count_members(
    tx: &mut ReadTx,
    assignments: Option<Vec<&AssignmentId>>,
) -> Result<HashMap<AssignmentId, Summary>> {
    let ids = assignments.map(|ids| ids.into_iter().map(AssignmentId::as_str).collect::<Vec<_>>());
    if ids.as_ref().is_some_and(Vec::is_empty) {
        return Ok(HashMap::new());
    }
    let (conn, organization) = tx.parts();
    let rows: Vec<SummaryRow> = diesel::sql_query(include_str!("../sql/count_members.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Array<Text>>, _>(ids)
        .load(conn)
        .await?;
    let summary = |row: SummaryRow| {
        let summary = Summary {
            exporting: row.exporting.unsigned_abs(),
            not_exporting: row.not_exporting.unsigned_abs(),
            inactive: row.inactive.unsigned_abs(),
        };
        (AssignmentId::trusted(row.assignment_id), summary)
    };
    Ok(rows.into_iter().map(summary).collect())
}

/// Counts the members of the assignments without a chosen value: what entering them gives
/// depends on it (product.md 4.6).
///
/// # Errors
/// A database that fails.
pub async fn count_unchosen(tx: &mut ReadTx, list: &AssignmentList) -> Result<HashMap<AssignmentId, Summary>> {
    if tx.organization().phase == rollcall_domain::Phase::Legacy {
        return Ok(HashMap::new());
    }
    let unchosen = list.ranked().map(|(_, a)| a).filter(|a| a.chosen.is_none()).map(|a| &a.id).collect();
    count_members(tx, Some(unchosen)).await
}

#[derive(QueryableByName)]
struct PinCount {
    #[diesel(sql_type = Integer)]
    pins: i32,
}

/// How many members are pinned to an assignment.
///
/// # Errors
/// A database that fails.
pub async fn count_pins(tx: &mut ReadTx, assignment: &AssignmentId) -> Result<u32> {
    let (conn, organization) = tx.parts();
    let sql = "SELECT count(*)::integer AS pins FROM pins WHERE organization_id = $1 AND assignment_id = $2";
    let row: PinCount = diesel::sql_query(sql)
        .bind::<Text, _>(organization)
        .bind::<Text, _>(assignment.as_str())
        .get_result(conn)
        .await?;
    Ok(row.pins.unsigned_abs())
}

#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = Text)]
    id: String,
}

/// Of the given groups, those that are no longer in the directory.
///
/// # Errors
/// A database that fails.
pub async fn list_gone_groups(tx: &mut ReadTx, groups: impl Iterator<Item = &GroupId>) -> Result<BTreeSet<GroupId>> {
    let groups: Vec<&str> = groups.map(GroupId::as_str).collect();
    let (conn, organization) = tx.parts();
    let sql = "SELECT id FROM groups WHERE organization_id = $1 AND id = any($2) AND NOT present";
    let gone: Vec<Gone> =
        diesel::sql_query(sql).bind::<Text, _>(organization).bind::<Array<Text>, _>(groups).load(conn).await?;
    Ok(gone.into_iter().map(|row| GroupId::trusted(row.id)).collect())
}
