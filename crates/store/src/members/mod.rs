//! Members: the states that the planner reads, and the member resource.

pub mod export;
pub mod history;
pub(crate) mod identity;
pub mod mixed;
mod overtaken;
pub mod settings;
mod view;
pub(crate) mod write;

use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, Integer, Jsonb, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, AssignmentList, GroupId, Held, MemberId, MemberState,
    assignments::{Concerned, Overtaken},
};
use uuid::Uuid;

use overtaken::list_overtaken;
pub use view::{MemberView, Pin, find_member, list_members, prepare_pages};

use self::settings::settings_id;
use crate::{ReadTx, Result, WriteTx, enum_columns::ExportColumns, schema::members};

/// A member as the planner reads it.
#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
struct MemberStateRow {
    id: String,
    active: bool,
    assignment_id: String,
    settings_id: Uuid,
    #[diesel(embed)]
    export: ExportColumns,
    #[diesel(sql_type = Nullable<Text>)]
    pin: Option<String>,
    #[diesel(sql_type = Array<Integer>)]
    matching_ranks: Vec<i32>,
}

impl From<MemberStateRow> for MemberState {
    fn from(row: MemberStateRow) -> Self {
        Self {
            id: MemberId::trusted(row.id),
            active: row.active,
            held: Some(Held {
                assignment: AssignmentId::trusted(row.assignment_id),
                settings: settings_id(row.settings_id),
                export: row.export.into_export(),
            }),
            pin: row.pin.map(AssignmentId::trusted),
            matching_ranks: row.matching_ranks.into_iter().map(i32::unsigned_abs).collect(),
        }
    }
}

/// Reads the members that a change concerns, with the ranks in `list` that match them. `list` is the list after the
/// change.
pub async fn list_concerned(
    tx: &mut WriteTx,
    concerned: &Concerned,
    list: &AssignmentList,
) -> Result<Vec<MemberState>> {
    if concerned.overtaken != Overtaken::default() {
        return list_overtaken(tx, &concerned.overtaken).await;
    }
    let of_assignment = concerned.of_assignment.as_ref().map(AssignmentId::as_str);
    let in_groups: Vec<&str> = concerned.in_groups.iter().map(GroupId::as_str).collect();
    if of_assignment.is_none() && in_groups.is_empty() {
        return Ok(Vec::new());
    }
    let selection = Selection { of_assignment, in_groups, members: Vec::new() };
    load_states(tx, &selection, concerned.resolve.then_some(list)).await
}

/// Reads members by id, with the ranks in `list` that match them. The result lacks unknown members.
pub async fn list_states(tx: &mut ReadTx, members: &[MemberId], list: &AssignmentList) -> Result<Vec<MemberState>> {
    let members = members.iter().map(MemberId::as_str).collect();
    load_states(tx, &Selection { of_assignment: None, in_groups: Vec::new(), members }, Some(list)).await
}

/// The members to read: the union of the members of an assignment, of groups, and of named members.
struct Selection<'a> {
    of_assignment: Option<&'a str>,
    in_groups: Vec<&'a str>,
    members: Vec<&'a str>,
}

async fn load_states(
    tx: &mut ReadTx,
    selection: &Selection<'_>,
    list: Option<&AssignmentList>,
) -> Result<Vec<MemberState>> {
    let first_ranks = list.map(AssignmentList::first_ranks).unwrap_or_default();
    let ranks: serde_json::Map<String, serde_json::Value> =
        first_ranks.into_iter().map(|(group, rank)| (group.to_string(), rank.into())).collect();
    let (conn, organization) = tx.parts();
    let rows: Vec<MemberStateRow> = diesel::sql_query(include_str!("../sql/list_member_states.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Text>, _>(selection.of_assignment)
        .bind::<Array<Text>, _>(&selection.in_groups)
        .bind::<Array<Text>, _>(&selection.members)
        .bind::<Jsonb, _>(serde_json::Value::Object(ranks))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(MemberState::from).collect())
}
