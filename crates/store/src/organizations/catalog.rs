//! The catalog of an organization: writing it, and counting the uses of its entries.

use diesel::{
    prelude::*,
    sql_types::{Integer, Nullable, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{Plan, catalog::Catalog};

use crate::{
    Error, ReadTx, Result, WriteTx,
    audit::AuditEvent,
    changes::{self, Extra},
    schema::organizations,
};

/// Replaces the catalog and writes the plan that grants the seats that its totals free. Returns the new revision.
pub async fn update_catalog(tx: &mut WriteTx, catalog: &Catalog, plan: &Plan, event: AuditEvent) -> Result<i64> {
    let document = serde_json::to_value(catalog).map_err(|e| Error::Internal(e.into()))?;
    let revision = tx.next_revision();
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((organizations::catalog.eq(document), organizations::catalog_revision.eq(revision)))
        .execute(conn)
        .await?;
    changes::apply(tx, plan, &Extra::default(), event).await
}

/// Counts the assignments and the members that use an entry of the catalog.
pub async fn count_catalog_uses(tx: &mut ReadTx, entry: &CatalogEntry) -> Result<(u32, u32)> {
    let (seat, workspace, profile) = match entry {
        CatalogEntry::SeatType(seat) => (Some(seat.as_str()), None, None),
        CatalogEntry::Workspace(workspace) => (None, Some(workspace.as_str()), None),
        CatalogEntry::Profile(workspace, profile) => (None, Some(workspace.as_str()), Some(profile.as_str())),
    };
    let (conn, organization) = tx.parts();
    let uses: UsesRow = diesel::sql_query(include_str!("../sql/count_catalog_uses.sql"))
        .bind::<Text, _>(organization)
        .bind::<Nullable<Text>, _>(seat)
        .bind::<Nullable<Text>, _>(workspace)
        .bind::<Nullable<Text>, _>(profile)
        .get_result(conn)
        .await?;
    Ok((uses.assignments.unsigned_abs(), uses.members.unsigned_abs()))
}

/// An entry of the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogEntry {
    /// A seat type by id.
    SeatType(String),
    /// A workspace by id.
    Workspace(String),
    /// A profile by workspace and id.
    Profile(String, String),
}

#[derive(QueryableByName)]
struct UsesRow {
    #[diesel(sql_type = Integer)]
    assignments: i32,
    #[diesel(sql_type = Integer)]
    members: i32,
}
