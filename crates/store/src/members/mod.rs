//! Members: the states that the planner reads, and the member resource.

mod explained;
pub mod export;
pub mod history;
pub(crate) mod identity;
pub mod mixed;
mod overtaken;
pub mod settings;
mod view;
pub(crate) mod write;

use std::collections::HashMap;

use diesel::{
    QueryableByName,
    pg::Pg,
    sql_types::{Array, Integer, Nullable, Text},
};
use rollcall_domain::{AssignmentId, AssignmentList, GroupId, Held, MemberId, MemberState, Scope};
use uuid::Uuid;

pub use explained::{ExplainedMember, find_explained_member};
use overtaken::list_overtaken;
pub use view::{MemberView, Pin, find_member, list_filtered_members, list_members, prepare_pages};

use self::settings::settings_id;
use crate::{ReadTx, Result, db::load, enum_columns::ExportColumns, schema::members};

/// A member as the planner reads it.
#[derive(QueryableByName)]
#[diesel(table_name = members, check_for_backend(Pg))]
pub(crate) struct MemberStateRow {
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
    let (of_assignment, groups, named, with_ranks) = match scope {
        Scope::NoMember | Scope::Directory(_) => return Ok(Vec::new()),
        Scope::Loaded(member) => return Ok(vec![member.clone()]),
        Scope::Overtaken(overtaken) => return list_overtaken(tx, overtaken).await,
        Scope::Named(members) => (None, Vec::new(), members.iter().map(MemberId::as_str).collect(), true),
        Scope::Affected { of_assignment: None, in_groups, .. } if in_groups.is_empty() => return Ok(Vec::new()),
        Scope::Affected { of_assignment, in_groups, resolves } => {
            let in_groups = in_groups.iter().map(GroupId::as_str).collect();
            (of_assignment.map(AssignmentId::as_str), in_groups, Vec::new(), resolves)
        }
    };
    let first_ranks = if with_ranks { list.first_ranks() } else { HashMap::new() };
    let ranks = first_ranks.into_iter().map(|(group, rank)| (group.to_string(), rank.into())).collect();
    let ranks = serde_json::Value::Object(ranks);
    let rows: Vec<MemberStateRow> = load!(tx, "list_member_states", of_assignment, groups, named, ranks).await?;
    Ok(rows.into_iter().map(MemberState::from).collect())
}
