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
    sql_types::{Array, Integer, Nullable, Text},
};
use rollcall_domain::{AssignmentId, AssignmentList, GroupId, Held, MemberId, MemberState, Scope};
use uuid::Uuid;

use overtaken::list_overtaken;
pub use view::{MemberView, Pin, find_member, list_members, prepare_pages};

use self::settings::settings_id;
use crate::{ReadTx, Result, db::load, enum_columns::ExportColumns, schema::members};

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

/// Reads the members in the scope of a change, with the ranks that match them in `list`, the list as it would be. Unknown
/// members are not in the answer.
pub async fn list_states(tx: &mut ReadTx, scope: Scope<'_>, list: &AssignmentList) -> Result<Vec<MemberState>> {
    match scope {
        Scope::NoMember | Scope::Directory(_) => Ok(Vec::new()),
        Scope::Loaded(member) => Ok(vec![member.clone()]),
        Scope::Overtaken(overtaken) => list_overtaken(tx, overtaken).await,
        Scope::Named(members) => {
            let members = members.iter().map(MemberId::as_str).collect();
            load_states(tx, &Selection { of_assignment: None, in_groups: Vec::new(), members }, Some(list)).await
        }
        Scope::Affected { of_assignment: None, in_groups, .. } if in_groups.is_empty() => Ok(Vec::new()),
        Scope::Affected { of_assignment, in_groups, resolves } => {
            let of_assignment = of_assignment.map(AssignmentId::as_str);
            let in_groups = in_groups.iter().map(GroupId::as_str).collect();
            let selection = Selection { of_assignment, in_groups, members: Vec::new() };
            load_states(tx, &selection, resolves.then_some(list)).await
        }
    }
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
    let rows: Vec<MemberStateRow> = load!(
        tx,
        "list_member_states",
        selection.of_assignment,
        &selection.in_groups,
        &selection.members,
        serde_json::Value::Object(ranks)
    )
    .await?;
    Ok(rows.into_iter().map(MemberState::from).collect())
}
