//! Members: what the planner has to know of them, and what is shown of them.

pub mod export;
mod export_columns;
pub mod history;
pub mod mixed;
mod overtaken;
pub mod settings;
mod view;
pub(crate) mod write;

use diesel::{
    QueryableByName,
    sql_types::{Array, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, AssignmentList, GroupId, Held, MemberId, MemberState, Timestamp,
    assignments::{Concerned, Overtaken},
};
use uuid::Uuid;

use overtaken::list_overtaken;
pub use view::{MemberView, Pin, get_member, list_members, prepare_pages};

use crate::{ReadTx, Result, WriteTx, words};

#[derive(QueryableByName)]
struct StateRow {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Text)]
    assignment_id: String,
    #[diesel(sql_type = SqlUuid)]
    settings_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email_export: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    email_export_since: Option<Timestamp>,
    #[diesel(sql_type = Nullable<Text>)]
    email_export_source: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pin: Option<String>,
    #[diesel(sql_type = Array<Integer>)]
    matching_ranks: Vec<i32>,
}

impl TryFrom<StateRow> for MemberState {
    type Error = crate::Error;

    fn try_from(row: StateRow) -> Result<Self> {
        let export = words::member_export(
            row.email_export.as_deref(),
            row.email_export_since,
            row.email_export_source.as_deref(),
        )?;
        Ok(Self {
            id: MemberId::trusted(row.id),
            active: row.active,
            held: Some(Held {
                assignment: AssignmentId::trusted(row.assignment_id),
                settings: words::settings_id(row.settings_id),
                export,
            }),
            pin: row.pin.map(AssignmentId::trusted),
            matching_ranks: row.matching_ranks.into_iter().map(i32::unsigned_abs).collect(),
        })
    }
}

/// Reads the members whom a change concerns, with the ranks that match them in `list`, the
/// list as it would be.
///
/// # Errors
/// A database that fails.
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

/// Reads the given members with the ranks that match them. Unknown ones are not in the answer.
///
/// # Errors
/// A database that fails.
pub async fn list_states(tx: &mut ReadTx, members: &[MemberId], list: &AssignmentList) -> Result<Vec<MemberState>> {
    let members = members.iter().map(MemberId::as_str).collect();
    load_states(tx, &Selection { of_assignment: None, in_groups: Vec::new(), members }, Some(list)).await
}

/// Which members are read: those of an assignment, of groups, and those named.
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
    let rows: Vec<StateRow> = diesel::sql_query(include_str!("../sql/list_member_states.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Text>, _>(selection.of_assignment)
        .bind::<Array<Text>, _>(&selection.in_groups)
        .bind::<Array<Text>, _>(&selection.members)
        .bind::<Jsonb, _>(serde_json::Value::Object(ranks))
        .load(conn)
        .await?;
    rows.into_iter().map(MemberState::try_from).collect()
}
