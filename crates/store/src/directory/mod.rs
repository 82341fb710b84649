//! Members, groups and memberships: reading what a sync needs, and writing what it changes.

mod load;
mod write;

use std::collections::{BTreeSet, HashSet};

use diesel::{pg::Pg, prelude::*, sql_types::Integer};
use diesel_async::RunQueryDsl;
use rollcall_domain::GroupId;

pub use load::list_directory;
pub(crate) use write::{
    delete_memberships, free_addresses, insert_members, insert_memberships, update_identities, upsert_groups,
};

use crate::{
    ReadTx, Result,
    db::{load, statement},
    domain_columns::{CountColumn, IdColumn},
    schema::groups,
};

/// A group with the number of its members.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = groups, check_for_backend(Pg))]
pub struct GroupView {
    /// The external id.
    #[diesel(deserialize_as = IdColumn)]
    pub id: GroupId,
    /// The name in the identity provider.
    pub display_name: String,
    /// Whether the last full sync contained the group.
    pub present: bool,
    /// The number of members, inactive ones included.
    #[diesel(sql_type = Integer, deserialize_as = CountColumn)]
    pub members: u32,
}

/// Reads up to `limit` groups after the id `after`, in byte order of their ids.
pub async fn list_groups(tx: &mut ReadTx, after: Option<&str>, limit: u32) -> Result<Vec<GroupView>> {
    load!(tx, "list_groups", after.unwrap_or_default(), i64::from(limit)).await
}

/// Reads one group, present or not, if the organization knows it.
pub async fn find_group(tx: &mut ReadTx, group: &GroupId) -> Result<Option<GroupView>> {
    let (conn, organization) = tx.parts();
    Ok(statement!("find_group", organization, group.as_str()).get_result(conn).await.optional()?)
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
