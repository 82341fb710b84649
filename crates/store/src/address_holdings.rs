//! The holders of addresses over time (product.md 4.10). Each sync writes the holdings that begin with it.
//!
//! An older release writes none. Its syncs are found by `organizations.holdings_revision`, which such a release leaves
//! behind, and their holdings are read from the documents of the audit before the next write and the next look-up.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text, Timestamptz},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{
    Email, MemberId, OrganizationId, Timestamp,
    email_export::{AddressChange, AddressGains},
};
use serde::Deserialize;

use crate::{
    Db, Result, SystemConn, WriteTx,
    arrays::{column, slices},
    db::{execute, statement},
    schema::{members, organizations},
};

/// Inserts the holdings that begin with a write.
pub(crate) async fn insert(tx: &mut WriteTx, holdings: &[(Email, MemberId)]) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(holdings) {
        let emails = column(slice, |(email, _)| email.as_str());
        let members = column(slice, |(_, member)| member.as_str());
        execute!(tx, Prepared("insert_address_holdings"), emails, members, revision, now).await?;
    }
    Ok(())
}

/// Fills in the holdings of all organizations whose last write was one of an older release. Each organization is a
/// transaction of its own.
pub async fn fill_all(db: &Db) -> Result<()> {
    let mut after = String::new();
    loop {
        let next =
            db.read_all("list_unfilled_holdings", async |conn: &mut SystemConn| find_unfilled(conn, &after).await);
        let Some(id) = next.await? else { return Ok(()) };
        fill_one(db, &id).await?;
        after = id.to_string();
    }
}

/// Fills in the holdings of an organization: every write does this first, also one that changes nothing.
///
/// # Errors
/// [`crate::Error::OrganizationNotFound`].
pub async fn fill_one(db: &Db, organization: &OrganizationId) -> Result<()> {
    db.write(organization, "fill_address_holdings", async |_: &mut WriteTx| Ok(())).await
}

async fn find_unfilled(conn: &mut SystemConn, after: &str) -> Result<Option<OrganizationId>> {
    let query = organizations::table
        .filter(organizations::id.gt(after))
        .filter(organizations::holdings_revision.ne(organizations::revision))
        .order(organizations::id)
        .select(organizations::id);
    Ok(query.first(conn).await.optional()?.map(|id: String| OrganizationId::trusted(id)))
}

/// Fills in the holdings of an organization that is locked, after the revision `filled` and up to `revision`.
pub(crate) async fn fill(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    filled: i64,
    revision: i64,
) -> Result<()> {
    let mut owners = ActiveOwners::default();
    let mut is_explained = filled > 0;
    let mut until = i64::MAX;
    loop {
        let query = statement!("list_directory_events", organization.as_str(), filled, until, EVENTS);
        let events: Vec<DirectoryEvent> = query.load(conn).await?;
        let Some(oldest) = events.last() else { break };
        until = oldest.revision;
        for event in &events {
            match event.parse() {
                Ok((before, after)) => {
                    fill_from_event(conn, organization.as_str(), event, (before, after), &mut owners).await?;
                }
                Err(error) => {
                    tracing::warn!(%organization, revision = event.revision, %error, "cannot read the audit of a sync");
                    is_explained = false;
                }
            }
        }
    }
    if !is_explained {
        statement!("insert_inexact_holdings", organization.as_str()).execute(conn).await?;
    }
    let filled = diesel::update(organizations::table.find(organization.as_str()))
        .set(organizations::holdings_revision.eq(revision));
    filled.execute(conn).await?;
    Ok(())
}

/// How many events are read at once. The event of a large sync is large.
const EVENTS: i64 = 50;

#[derive(QueryableByName)]
struct DirectoryEvent {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: Timestamp,
    #[diesel(sql_type = Nullable<Text>)]
    members_before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    members_after: Option<String>,
}

/// A member in the document of a sync.
#[derive(Deserialize)]
struct DocumentMember {
    member: String,
    identity: DocumentIdentity,
    active: bool,
}

#[derive(Deserialize)]
struct DocumentIdentity {
    email: String,
}

/// The address of a member, and whether the member is active.
type Addresses = BTreeMap<MemberId, (Email, bool)>;

impl DirectoryEvent {
    /// Returns the members that the sync changed: before it, and after it.
    fn parse(&self) -> serde_json::Result<(Addresses, Addresses)> {
        Ok((parse_members(self.members_before.as_deref())?, parse_members(self.members_after.as_deref())?))
    }
}

fn parse_members(document: Option<&str>) -> serde_json::Result<Addresses> {
    let members: Vec<DocumentMember> = document.map(serde_json::from_str).transpose()?.unwrap_or_default();
    let entry = |row: DocumentMember| (MemberId::trusted(row.member), (Email::trusted(row.identity.email), row.active));
    Ok(members.into_iter().map(entry).collect())
}

/// Whether an active member has an address. The events are read from the newest to the oldest, and this is the state
/// after the event that is read. It has the addresses that the newer events changed; `members` has the others.
#[derive(Default)]
struct ActiveOwners(HashMap<Email, bool>);

impl ActiveOwners {
    /// Goes back to the state before an event.
    fn undo(&mut self, before: Addresses, after: Addresses) {
        let active = |members: Addresses| members.into_values().filter(|(_, active)| *active).map(|(email, _)| email);
        self.0.extend(active(after).map(|email| (email, false)));
        self.0.extend(active(before).map(|email| (email, true)));
    }
}

/// Inserts the holdings that began with a sync.
async fn fill_from_event(
    conn: &mut AsyncPgConnection,
    organization: &str,
    event: &DirectoryEvent,
    (before, after): (Addresses, Addresses),
    owners: &mut ActiveOwners,
) -> Result<()> {
    let gains = AddressGains::of(after.iter().map(|(member, (email, active))| AddressChange {
        member,
        email,
        active: *active,
        before: before.get(member).map(|(email, active)| (email, *active)),
    }));
    let unknown: Vec<&str> =
        gains.of_inactive().filter(|email| !owners.0.contains_key(*email)).map(Email::as_str).collect();
    let in_use = list_addresses_in_use(conn, organization, unknown).await?;
    let begun = gains.begin(|email| owners.0.get(email).copied().unwrap_or_else(|| in_use.contains(email.as_str())));
    if !begun.is_empty() {
        let (emails, members): (Vec<&str>, Vec<&str>) =
            begun.iter().map(|(email, member)| (email.as_str(), member.as_str())).unzip();
        let insert = statement!(
            Prepared("insert_address_holdings"),
            organization,
            emails,
            members,
            event.revision,
            event.occurred_at
        );
        insert.execute(conn).await?;
    }
    owners.undo(before, after);
    Ok(())
}

/// Returns the addresses, among the given ones, that an active member has now.
async fn list_addresses_in_use(
    conn: &mut AsyncPgConnection,
    organization: &str,
    emails: Vec<&str>,
) -> Result<HashSet<String>> {
    if emails.is_empty() {
        return Ok(HashSet::new());
    }
    let query = members::table
        .filter(members::organization_id.eq(organization))
        .filter(members::active)
        .filter(members::email.eq_any(emails))
        .select(members::email);
    Ok(query.load(conn).await?.into_iter().collect())
}
