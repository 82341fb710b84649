//! What the answers from memory are made of: the whole state of an organization in pieces, and what writes have touched
//! since a revision. All functions of one load or refresh run in one read snapshot.

use std::collections::BTreeSet;

use diesel::{prelude::*, sql_types::Text};
use diesel_async::RunQueryDsl;
use rollcall_domain::{OrganizationId, Timestamp, email_export::CheckSubject};

use crate::{
    Db, Error, ReadTx, Result, SystemConn,
    arrays::slices,
    db::load,
    email_export::CheckColumns,
    schema::{address_holdings, audit_events, members, organizations},
};

/// Which write an organization's stored state is from. Two states of one organization with the same version are equal,
/// also if a backup was restored in between: the time tells two writes with the same revision apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// The organization's revision.
    pub revision: i64,
    /// The time of the write that made the revision.
    pub written_at: Timestamp,
    /// Whether the address holdings are complete up to this revision. A write of an older release leaves them incomplete.
    pub is_filled: bool,
}

/// That a member began to hold an address.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = address_holdings)]
pub struct StoredHolding {
    /// The address.
    pub email: String,
    /// The revision with which the holding began.
    pub revision: i64,
    /// The id of the member.
    pub member_id: String,
    /// When the holding began, at the latest.
    pub begins_at: Timestamp,
    /// Whether the holding began at that time.
    pub is_exact: bool,
}

/// Returns the version that a read snapshot sees.
pub async fn get_version(tx: &mut ReadTx) -> Result<Version> {
    let (revision, written_at) = (tx.organization().revision, tx.organization().last_write_at);
    let (conn, organization) = tx.parts();
    let query = organizations::table.find(organization).select(organizations::holdings_revision);
    let filled: i64 = query.first(conn).await.map_err(Error::of_statement("get_version"))?;
    Ok(Version { revision, written_at, is_filled: filled == revision })
}

/// Returns the current versions of the organizations that exist, in one statement over the checks' connections.
pub async fn list_versions(db: &Db, organizations: &[OrganizationId]) -> Result<Vec<(OrganizationId, Version)>> {
    let mut versions = Vec::new();
    let checks = db.for_checks();
    for slice in slices(organizations) {
        let ids: Vec<&str> = slice.iter().map(OrganizationId::as_str).collect();
        let reading = checks.read_all("list_versions", async |conn: &mut SystemConn| {
            let query = organizations::table.filter(organizations::id.eq_any(&ids)).select((
                organizations::id,
                organizations::revision,
                organizations::last_write_at,
                organizations::holdings_revision,
            ));
            let rows: Vec<(String, i64, Timestamp, i64)> = query.load(conn).await?;
            Ok::<_, Error>(rows)
        });
        versions.extend(reading.await?.into_iter().map(|(id, revision, written_at, filled)| {
            (OrganizationId::trusted(id), Version { revision, written_at, is_filled: filled == revision })
        }));
    }
    Ok(versions)
}

/// Returns the time of the write that made a revision, if there is one.
pub async fn find_write_time(tx: &mut ReadTx, revision: i64) -> Result<Option<Timestamp>> {
    let (conn, organization) = tx.parts();
    let query = audit_events::table.find((organization, revision)).select(audit_events::occurred_at);
    query.first(conn).await.optional().map_err(Error::of_statement("find_write_time"))
}

/// Reads up to `limit` members after the member `after`, in byte order of their ids.
pub async fn list_subjects_after(tx: &mut ReadTx, after: &str, limit: i64) -> Result<Vec<CheckSubject>> {
    let rows: Vec<CheckColumns> = load!(tx, "list_decision_members", after, limit).await?;
    Ok(rows.into_iter().map(CheckSubject::from).collect())
}

/// Reads up to `limit` holdings after the holding of the address `after` that began with a revision, by address, the
/// oldest first.
pub async fn list_holdings_after(
    tx: &mut ReadTx,
    (email, revision): (&str, i64),
    limit: i64,
) -> Result<Vec<StoredHolding>> {
    load!(tx, "list_decision_holdings", email, revision, limit).await
}

/// Reads the members with the given ids.
pub async fn list_subjects(tx: &mut ReadTx, ids: &[&str]) -> Result<Vec<CheckSubject>> {
    let mut subjects = Vec::new();
    for slice in slices(ids) {
        let (conn, organization) = tx.parts();
        let query = members::table
            .filter(members::organization_id.eq(organization))
            .filter(members::id.eq_any(slice))
            .select(CheckColumns::as_select());
        let rows: Vec<CheckColumns> = query.load(conn).await.map_err(Error::of_statement("list_subjects"))?;
        subjects.extend(rows.into_iter().map(CheckSubject::from));
    }
    Ok(subjects)
}

/// Reads all holdings of the given addresses, by address, the oldest first.
pub async fn list_holdings(tx: &mut ReadTx, emails: &[&str]) -> Result<Vec<StoredHolding>> {
    let mut holdings = Vec::new();
    for slice in slices(emails) {
        let (conn, organization) = tx.parts();
        let query = address_holdings::table
            .filter(address_holdings::organization_id.eq(organization))
            .filter(address_holdings::email.eq_any(slice))
            .order((address_holdings::email, address_holdings::revision))
            .select(StoredHolding::as_select());
        let rows: Vec<StoredHolding> = query.load(conn).await.map_err(Error::of_statement("list_holdings"))?;
        holdings.extend(rows);
    }
    Ok(holdings)
}

/// What the writes after a revision have touched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// The ids of the members.
    pub members: BTreeSet<String>,
    /// The addresses of which a holding began.
    pub addresses: BTreeSet<String>,
}

#[derive(QueryableByName)]
struct MemberIdRow {
    #[diesel(sql_type = Text)]
    id: String,
}

#[derive(QueryableByName)]
struct AddressRow {
    #[diesel(sql_type = Text)]
    email: String,
}

/// Returns what the writes after the revision `since` have touched, from the history that each write keeps. `None` if
/// there are more than `limit` rows of a kind.
pub async fn list_touched(tx: &mut ReadTx, since: i64, limit: u32) -> Result<Option<Touched>> {
    let rows_max = i64::from(limit) + 1;
    let members: Vec<MemberIdRow> = load!(tx, "list_touched_members", since, rows_max).await?;
    let addresses: Vec<AddressRow> = load!(tx, "list_touched_addresses", since, rows_max).await?;
    let is_complete = [members.len(), addresses.len()].iter().all(|rows| *rows <= limit as usize);
    Ok(is_complete.then(|| Touched {
        members: members.into_iter().map(|row| row.id).collect(),
        addresses: addresses.into_iter().map(|row| row.email).collect(),
    }))
}
