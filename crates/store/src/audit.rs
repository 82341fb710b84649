//! Who changed what: one event for each revision.

use diesel::sql_types::{BigInt, Integer, Json, Nullable, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{OrganizationId, Timestamp};
use serde_json::Value;

use crate::Result;

/// What is kept of a change.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEvent {
    /// Who asked for it.
    pub actor: String,
    /// The RPC or job, for example `UpdateAssignment`.
    pub method: &'static str,
    /// What it was made on, by name.
    pub resource: String,
    /// The trace that it was part of.
    pub trace_id: Option<String>,
    /// What changed, as it was; absent for what is new.
    pub before: Option<Value>,
    /// What changed, as it is now, with what was asked for; absent for what is gone.
    pub after: Option<Value>,
}

pub(crate) async fn insert_event(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    revision: i64,
    now: Timestamp,
    members_changed: u32,
    event: &AuditEvent,
) -> Result<()> {
    diesel::sql_query(include_str!("sql/insert_audit_event.sql"))
        .bind::<Text, _>(organization.as_str())
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(&event.actor)
        .bind::<Text, _>(event.method)
        .bind::<Text, _>(&event.resource)
        .bind::<Nullable<Text>, _>(event.trace_id.as_deref())
        .bind::<Integer, _>(members_changed.cast_signed())
        .bind::<Nullable<Json>, _>(event.before.as_ref())
        .bind::<Nullable<Json>, _>(event.after.as_ref())
        .execute(conn)
        .await?;
    Ok(())
}
