//! Listing organizations.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use rollcall_domain::OrganizationId;

use crate::{
    Db, Error, Result,
    db::{OrganizationView, SystemConn},
    schema::organizations,
};

/// Reads up to `limit` organizations after the id `after`, in byte order of their ids.
pub async fn list_organizations(db: &Db, after: Option<&str>, limit: u32) -> Result<Vec<OrganizationView>> {
    db.read_all("list_organizations", async |conn: &mut SystemConn| {
        let query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(OrganizationView::as_select())
            .order(organizations::id)
            .limit(i64::from(limit));
        Ok(query.load(conn).await?)
    })
    .await
}

/// Reads up to `limit` organization ids after the id `after`, in byte order: jobs go through the organizations one by one.
pub async fn list_ids_after(db: &Db, after: Option<&str>, limit: i64) -> Result<Vec<OrganizationId>> {
    db.read_all("list_organization_ids", async |conn: &mut SystemConn| {
        let query = organizations::table
            .filter(organizations::id.gt(after.unwrap_or_default()))
            .select(organizations::id)
            .order(organizations::id)
            .limit(limit);
        let ids: Vec<String> = query.load(conn).await?;
        Ok(ids.into_iter().map(OrganizationId::trusted).collect())
    })
    .await
}

/// Returns the first of these organizations that does not exist.
pub async fn find_unknown(db: &Db, named: &BTreeSet<OrganizationId>) -> Result<Option<OrganizationId>> {
    let known = db.read_all("find_unknown_organizations", async |conn: &mut SystemConn| {
        let ids: Vec<&str> = named.iter().map(OrganizationId::as_str).collect();
        let query = organizations::table.filter(organizations::id.eq_any(ids)).select(organizations::id);
        let known: Vec<String> = query.load(conn).await?;
        Ok::<_, Error>(known)
    });
    let known: HashSet<String> = known.await?.into_iter().collect();
    Ok(named.iter().find(|organization| !known.contains(organization.as_str())).cloned())
}
