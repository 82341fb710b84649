//! Members, groups and memberships: reading what a sync needs, and writing what it changes.

mod load;
mod write;

use std::collections::{BTreeSet, HashSet};

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::GroupId;

pub use load::list_directory;
pub(crate) use write::{
    delete_memberships, free_addresses, insert_members, insert_memberships, update_identities, upsert_groups,
};

use crate::{ReadTx, Result, schema::groups};

/// A group with the number of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// The external id.
    pub id: GroupId,
    /// The name in the identity provider.
    pub display_name: String,
    /// Whether the last full sync contained the group.
    pub present: bool,
    /// The number of members, inactive ones included.
    pub members: u32,
}

#[derive(QueryableByName)]
#[diesel(table_name = groups, check_for_backend(Pg))]
struct GroupViewRow {
    id: String,
    display_name: String,
    present: bool,
    #[diesel(sql_type = Integer)]
    members: i32,
}

impl From<GroupViewRow> for GroupView {
    fn from(row: GroupViewRow) -> Self {
        Self {
            id: GroupId::trusted(row.id),
            display_name: row.display_name,
            present: row.present,
            members: row.members.unsigned_abs(),
        }
    }
}

/// Reads up to `limit` groups after the id `after`, in byte order of their ids.
pub async fn list_groups(tx: &mut ReadTx, after: Option<&str>, limit: u32) -> Result<Vec<GroupView>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<GroupViewRow> = diesel::sql_query(include_str!("../sql/list_groups.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(i64::from(limit))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(GroupView::from).collect())
}

/// Reads one group, present or not, if the organization knows it.
pub async fn find_group(tx: &mut ReadTx, group: &GroupId) -> Result<Option<GroupView>> {
    let (conn, organization) = tx.parts();
    let row: Option<GroupViewRow> = diesel::sql_query(include_str!("../sql/find_group.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(group.as_str())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(GroupView::from))
}

/// Returns the first of the given groups, in byte order, that the organization does not know.
pub async fn find_unknown_group(tx: &mut ReadTx, named: impl Iterator<Item = &GroupId>) -> Result<Option<GroupId>> {
    let named: BTreeSet<&GroupId> = named.collect();
    if named.is_empty() {
        return Ok(None);
    }
    let (conn, organization) = tx.parts();
    let known: HashSet<String> = groups::table
        .filter(groups::organization_id.eq(organization))
        .filter(groups::id.eq_any(named.iter().map(|group| group.as_str())))
        .select(groups::id)
        .load(conn)
        .await?
        .into_iter()
        .collect();
    Ok(named.into_iter().find(|group| !known.contains(group.as_str())).cloned())
}
