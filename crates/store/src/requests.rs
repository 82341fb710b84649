//! Requests that carried a request_id, and what they were answered first (AIP-155): the same one
//! again is answered the same, and changes nothing.

use std::time::Duration;

use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::Timestamp;
use uuid::Uuid;

use crate::{Result, SystemConn, WriteTx, db::clock, schema::requests};

/// How long a response is kept at the least.
const KEPT: Duration = Duration::from_hours(24);

/// Stands for what is asked above all organizations; no organization has this id.
const ABOVE: &str = "-";

/// A request that is to be made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestKey {
    /// The caller's id for it.
    pub id: Uuid,
    /// A digest of everything that was asked.
    pub fingerprint: Vec<u8>,
}

/// What is known of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recalled {
    /// Nothing: it is new.
    New,
    /// It was made, and answered this.
    Same(Vec<u8>),
    /// Its id came with another request.
    Other,
}

/// Looks for a request of an organization, whose lock keeps anybody else from making it now.
///
/// # Errors
/// A database that fails.
pub async fn recall(tx: &mut WriteTx, key: &RequestKey) -> Result<Recalled> {
    let (conn, organization) = tx.parts();
    find(conn, organization, key).await
}

/// Keeps what a request is answered, in the transaction that makes it.
///
/// # Errors
/// A database that fails.
pub async fn remember(tx: &mut WriteTx, key: &RequestKey, response: &[u8]) -> Result<()> {
    let now = tx.now();
    let (conn, organization) = tx.parts();
    keep(conn, organization, key, response, now).await
}

/// Looks for a request that was made above all organizations.
///
/// # Errors
/// A database that fails.
pub async fn recall_above(conn: &mut SystemConn, key: &RequestKey) -> Result<Recalled> {
    find(conn, ABOVE, key).await
}

/// Keeps what a request above all organizations is answered. Of two that are made at once the
/// second fails here, and nothing of it stays.
///
/// # Errors
/// A database that fails.
pub async fn remember_above(conn: &mut SystemConn, key: &RequestKey, response: &[u8]) -> Result<()> {
    let now = clock(conn).await?;
    keep(conn, ABOVE, key, response, now).await
}

async fn find(conn: &mut AsyncPgConnection, organization: &str, key: &RequestKey) -> Result<Recalled> {
    let known: Option<(Vec<u8>, Vec<u8>)> = requests::table
        .find((organization, key.id))
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

/// Old ones go whenever a new one comes: there is nothing else to clean up after them.
async fn keep(
    conn: &mut AsyncPgConnection,
    organization: &str,
    key: &RequestKey,
    response: &[u8],
    now: Timestamp,
) -> Result<()> {
    let old = requests::organization_id.eq(organization).and(requests::created_at.lt(now - KEPT));
    diesel::delete(requests::table.filter(old)).execute(conn).await?;
    diesel::insert_into(requests::table)
        .values((
            requests::organization_id.eq(organization),
            requests::id.eq(key.id),
            requests::fingerprint.eq(&key.fingerprint),
            requests::response.eq(response),
            requests::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
