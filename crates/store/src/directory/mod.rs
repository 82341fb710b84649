//! People, groups and memberships: reading what a sync has to know, and writing what it found.

mod load;
mod write;

use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{BigInt, Bool, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::GroupId;

pub use load::list_directory;
pub(crate) use write::{
    delete_memberships, insert_members, insert_memberships, park_addresses, update_identities, upsert_groups,
};

use crate::{ReadTx, Result};

/// A group with how many members it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// The external id.
    pub id: GroupId,
    /// As the identity provider shows it.
    pub display_name: String,
    /// Whether the last full sync still had it.
    pub present: bool,
    /// Members, inactive ones included.
    pub members: u32,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    id: String,
    #[diesel(sql_type = Text)]
    display_name: String,
    #[diesel(sql_type = Bool)]
    present: bool,
    #[diesel(sql_type = Integer)]
    members: i32,
}

impl Row {
    fn into_view(self) -> GroupView {
        GroupView {
            id: GroupId::trusted(self.id),
            display_name: self.display_name,
            present: self.present,
            members: self.members.unsigned_abs(),
        }
    }
}

/// Reads up to `limit` groups after one, in byte order of their ids.
///
/// # Errors
/// A database that fails.
pub async fn list_groups(tx: &mut ReadTx, after: Option<&str>, limit: u32) -> Result<Vec<GroupView>> {
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> = diesel::sql_query(include_str!("../sql/list_groups.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(after.unwrap_or_default())
        .bind::<BigInt, _>(i64::from(limit))
        .load(conn)
        .await?;
    Ok(rows.into_iter().map(Row::into_view).collect())
}

/// Reads one group; one that is gone is there as long as it is stored.
///
/// # Errors
/// A database that fails.
pub async fn find_group(tx: &mut ReadTx, group: &GroupId) -> Result<Option<GroupView>> {
    let (conn, organization) = tx.parts();
    let row: Option<Row> = diesel::sql_query(include_str!("../sql/find_group.sql"))
        .bind::<Text, _>(organization)
        .bind::<Text, _>(group.as_str())
        .get_result(conn)
        .await
        .optional()?;
    Ok(row.map(Row::into_view))
}

/// Of the given groups, the first that the organization does not know.
///
/// # Errors
/// A database that fails.
pub async fn find_unknown_group(tx: &mut ReadTx, groups: impl Iterator<Item = &GroupId>) -> Result<Option<GroupId>> {
    let groups: Vec<&str> = groups.map(GroupId::as_str).collect();
    if groups.is_empty() {
        return Ok(None);
    }
    let (conn, organization) = tx.parts();
    let unknown: Vec<Unknown> = diesel::sql_query(include_str!("../sql/find_unknown_group.sql"))
        .bind::<Text, _>(organization)
        .bind::<diesel::sql_types::Array<Text>, _>(groups)
        .load(conn)
        .await?;
    Ok(unknown.into_iter().next().map(|row| GroupId::trusted(row.id)))
}

#[derive(QueryableByName)]
struct Unknown {
    #[diesel(sql_type = Text)]
    id: String,
}
