//! The catalog of an organization: replacing it as a whole, and counting the uses of its entries.

use diesel::{prelude::*, sql_types::Integer};
use diesel_async::RunQueryDsl;
use rollcall_domain::catalog::{Catalog, CatalogEntry, CatalogUse};

use crate::{Error, ReadTx, Result, WriteTx, db::statement, schema::organizations};

/// Replaces the catalog.
pub(crate) async fn update_catalog(tx: &mut WriteTx, catalog: &Catalog) -> Result<()> {
    let document = serde_json::to_value(catalog).map_err(|e| Error::Internal(e.into()))?;
    let revision = tx.next_revision();
    let (conn, organization) = tx.parts();
    diesel::update(organizations::table.find(organization))
        .set((organizations::catalog.eq(document), organizations::catalog_revision.eq(revision)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Counts how many assignments and members have each of these entries.
pub async fn list_catalog_uses(tx: &mut ReadTx, entries: Vec<CatalogEntry>) -> Result<Vec<CatalogUse>> {
    let mut found = Vec::with_capacity(entries.len());
    for entry in entries {
        let (seat, workspace, profile) = match &entry {
            CatalogEntry::SeatType(seat) => (Some(seat.as_str()), None, None),
            CatalogEntry::Workspace(workspace) => (None, Some(workspace.as_str()), None),
            CatalogEntry::Profile(workspace, profile) => (None, Some(workspace.as_str()), Some(profile.as_str())),
        };
        let (conn, organization) = tx.parts();
        let counts: UseCounts =
            statement!("count_catalog_uses", organization, seat, workspace, profile).get_result(conn).await?;
        let (assignments, members) = (counts.assignments.unsigned_abs(), counts.members.unsigned_abs());
        found.push(CatalogUse { entry, assignments, members });
    }
    Ok(found)
}

#[derive(QueryableByName)]
struct UseCounts {
    #[diesel(sql_type = Integer)]
    assignments: i32,
    #[diesel(sql_type = Integer)]
    members: i32,
}
