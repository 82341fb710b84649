//! Requests with a `request_id`, and their first responses (AIP-155). A repeated request gets the same response and
//! changes nothing.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use crate::{
    Result, SystemConn, WriteTx,
    db::{clock, enter_organization},
    schema::requests,
};

/// How long a response is stored at least.
const RETENTION: Duration = Duration::from_hours(24);

/// The organization column of requests that belong to no organization. No organization has this id.
const NO_ORGANIZATION: &str = "-";

/// The idempotency key of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's id for the request, for the audit.
    pub id: Uuid,
    /// The id under which the response is kept. It depends on the caller, so that no caller gets the response of another.
    pub kept_as: Uuid,
    /// A digest of the whole request.
    pub fingerprint: Vec<u8>,
}

/// The stored state of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// The request is new.
    New,
    /// The same request, with its response.
    Same(Vec<u8>),
    /// Another request with the same id.
    Other,
}

/// Looks up a request of an organization. The organization's lock prevents that another call makes the same request now.
pub async fn recall(tx: &mut WriteTx, key: &RequestKey) -> Result<Recalled> {
    let (conn, organization) = tx.parts();
    find(conn, organization, key).await
}

/// Stores the response of a request, in the transaction that makes the request.
pub async fn remember(tx: &mut WriteTx, key: &RequestKey, response: &[u8]) -> Result<()> {
    let now = tx.now();
    let (conn, organization) = tx.parts();
    insert(conn, organization, key, response, now).await
}

/// Looks up a request that belongs to no organization.
pub async fn recall_system(conn: &mut SystemConn, key: &RequestKey) -> Result<Recalled> {
    enter_organization(conn, NO_ORGANIZATION).await?;
    find(conn, NO_ORGANIZATION, key).await
}

/// Stores the response of a request that belongs to no organization. When two calls make the same request at once, the
/// second one fails here, and its transaction is rolled back.
pub async fn remember_system(conn: &mut SystemConn, key: &RequestKey, response: &[u8]) -> Result<()> {
    enter_organization(conn, NO_ORGANIZATION).await?;
    let now = clock(conn).await?;
    insert(conn, NO_ORGANIZATION, key, response, now).await
}

async fn find(conn: &mut AsyncPgConnection, organization: &str, key: &RequestKey) -> Result<Recalled> {
    let known: Option<(Vec<u8>, Vec<u8>)> = requests::table
        .find((organization, key.kept_as))
        .select((requests::fingerprint, requests::response))
        .first(conn)
        .await
        .optional()?;
    Ok(match known {
        None => Recalled::New,
        Some((fingerprint, response)) if fingerprint == key.fingerprint => Recalled::Same(response),
        Some(_) => Recalled::Other,
    })
}

/// Inserts a response, and deletes the expired responses of the organization.
async fn insert(
    conn: &mut AsyncPgConnection,
    organization: &str,
    key: &RequestKey,
    response: &[u8],
    now: Timestamp,
) -> Result<()> {
    let old = requests::organization_id.eq(organization).and(requests::created_at.lt(now - RETENTION));
    diesel::delete(requests::table.filter(old)).execute(conn).await?;
    diesel::insert_into(requests::table)
        .values((
            requests::organization_id.eq(organization),
            requests::id.eq(key.kept_as),
            requests::fingerprint.eq(&key.fingerprint),
            requests::response.eq(response),
            requests::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
