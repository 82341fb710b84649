//! Who changed what: one event for each revision, and what it touched. Only written and read: the
//! database refuses the rest.

use diesel::{
    OptionalExtension as _, QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use rollcall_domain::{AssignmentId, MemberId, OrganizationId, Timestamp, plan::Counts};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{Db, ReadTx, Result, SystemConn, changes::Touched, members::write::column};

/// What changed, as JSON: text, since that of a large sync would take ten times the space as a [`Value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// Writes plain data, which always serializes.
    pub fn of(value: &impl Serialize) -> Option<Self> {
        serde_json::to_string(value).ok().map(Self)
    }
}

/// What is kept of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Who asked for it.
    pub actor: String,
    /// The RPC or job, for example `UpdateAssignment`.
    pub method: &'static str,
    /// What it was made on, by name.
    pub resource: String,
    /// The caller's id for the request.
    pub request_id: Option<Uuid>,
    /// The trace that it was part of.
    pub trace_id: Option<String>,
    /// What changed, as it was; absent for what is new.
    pub before: Option<Document>,
    /// What changed, as it is now, with what was asked for; absent for what is gone.
    pub after: Option<Document>,
}

/// An event as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptEvent {
    /// The revision that the change made.
    pub revision: i64,
    /// When.
    pub time: Timestamp,
    /// Who asked for it.
    pub actor: String,
    /// The RPC or job.
    pub method: String,
    /// What it was made on, by name.
    pub resource: String,
    /// The caller's id for the request.
    pub request_id: Option<Uuid>,
    /// The trace that it was part of.
    pub trace_id: Option<String>,
    /// What changed, as it was.
    pub before: Option<Value>,
    /// What changed, as it is afterwards.
    pub after: Option<Value>,
    /// Members whom it touched.
    pub members: u32,
    /// What it did to them.
    pub counts: Counts,
}

/// Which events are asked for: every condition that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Those that touched this assignment, whether it is still there or not.
    pub assignment: Option<AssignmentId>,
    /// Those that touched this member.
    pub member: Option<MemberId>,
    /// Those at this time or later.
    pub start: Option<Timestamp>,
    /// Those before this time.
    pub end: Option<Timestamp>,
}

/// Some of the events that are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<KeptEvent>,
    /// Whether there are older ones.
    pub more: bool,
}

/// What all events of a page may take where they are stored: a sync of 100,000 members is large.
const PAGE_BYTES: i64 = 8 << 20;

/// Keeps an event with what it touched.
pub(crate) async fn insert_event(
    conn: &mut AsyncPgConnection,
    organization: &OrganizationId,
    (revision, now): (i64, Timestamp),
    touched: &Touched,
    event: &AuditEvent,
) -> Result<()> {
    let counts = touched.counts;
    diesel::sql_query(include_str!("sql/insert_audit_event.sql"))
        .bind::<Text, _>(organization.as_str())
        .bind::<BigInt, _>(revision)
        .bind::<Timestamptz, _>(now)
        .bind::<Text, _>(&event.actor)
        .bind::<Text, _>(event.method)
        .bind::<Text, _>(&event.resource)
        .bind::<Nullable<SqlUuid>, _>(event.request_id)
        .bind::<Nullable<Text>, _>(event.trace_id.as_deref())
        .bind::<Nullable<Text>, _>(event.before.as_ref().map(|document| document.0.as_str()))
        .bind::<Nullable<Text>, _>(event.after.as_ref().map(|document| document.0.as_str()))
        .bind::<Integer, _>(touched.members.cast_signed())
        .bind::<Integer, _>(counts.assignment_changes.cast_signed())
        .bind::<Integer, _>(counts.flips_to_export.cast_signed())
        .bind::<Integer, _>(counts.flips_to_do_not_export.cast_signed())
        .bind::<Integer, _>(counts.settings_changes.cast_signed())
        .execute(conn)
        .await?;
    diesel::sql_query(include_str!("sql/insert_audit_subjects.sql"))
        .bind::<Text, _>(organization.as_str())
        .bind::<BigInt, _>(revision)
        .bind::<Array<Text>, _>(touched.assignments.iter().map(AssignmentId::as_str).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(column(&touched.without_change, MemberId::as_str))
        .execute(conn)
        .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: Timestamp,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Text)]
    resource: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    request_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    trace_id: Option<String>,
    #[diesel(sql_type = Nullable<Json>)]
    before: Option<Value>,
    #[diesel(sql_type = Nullable<Json>)]
    after: Option<Value>,
    #[diesel(sql_type = Integer)]
    members_changed: i32,
    #[diesel(sql_type = Integer)]
    assignment_changes: i32,
    #[diesel(sql_type = Integer)]
    flips_to_export: i32,
    #[diesel(sql_type = Integer)]
    flips_to_do_not_export: i32,
    #[diesel(sql_type = Integer)]
    settings_changes: i32,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

impl From<Row> for KeptEvent {
    fn from(row: Row) -> Self {
        Self {
            revision: row.revision,
            time: row.occurred_at,
            actor: row.actor,
            method: row.method,
            resource: row.resource,
            request_id: row.request_id,
            trace_id: row.trace_id,
            before: row.before,
            after: row.after,
            members: row.members_changed.unsigned_abs(),
            counts: Counts {
                assignment_changes: row.assignment_changes.unsigned_abs(),
                flips_to_export: row.flips_to_export.unsigned_abs(),
                flips_to_do_not_export: row.flips_to_do_not_export.unsigned_abs(),
                settings_changes: row.settings_changes.unsigned_abs(),
            },
        }
    }
}

/// Reads up to `limit` events before a revision, newest first; fewer where they are large.
///
/// # Errors
/// A database that fails.
pub async fn list_events(tx: &mut ReadTx, wanted: &Wanted, before: Option<i64>, limit: u32) -> Result<EventPage> {
    let (from, until) = revisions(tx, wanted, before).await?;
    let (conn, organization) = tx.parts();
    let rows: Vec<Row> = diesel::sql_query(include_str!("sql/list_audit_events.sql"))
        .bind::<Text, _>(organization)
        .bind::<BigInt, _>(from)
        .bind::<BigInt, _>(until)
        .bind::<Nullable<Text>, _>(wanted.assignment.as_ref().map(AssignmentId::as_str))
        .bind::<Nullable<Text>, _>(wanted.member.as_ref().map(MemberId::as_str))
        .bind::<BigInt, _>(i64::from(limit))
        .bind::<BigInt, _>(PAGE_BYTES)
        .load(conn)
        .await?;
    let found = rows.as_slice().first().map_or(0, |row| row.found);
    let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
    Ok(EventPage { events: rows.into_iter().map(KeptEvent::from).collect(), more })
}

/// The revisions that are asked for, the second one no longer: they go up with the time.
async fn revisions(tx: &mut ReadTx, wanted: &Wanted, before: Option<i64>) -> Result<(i64, i64)> {
    let from = match wanted.start {
        Some(start) => first_revision(tx, start).await?.unwrap_or(i64::MAX),
        None => 0,
    };
    let until = match wanted.end {
        Some(end) => first_revision(tx, end).await?,
        None => None,
    };
    Ok((from, until.into_iter().chain(before).min().unwrap_or(i64::MAX)))
}

#[derive(QueryableByName)]
struct First {
    #[diesel(sql_type = BigInt)]
    revision: i64,
}

/// The first revision at a time or later.
async fn first_revision(tx: &mut ReadTx, time: Timestamp) -> Result<Option<i64>> {
    let (conn, organization) = tx.parts();
    let first: Option<First> = diesel::sql_query(include_str!("sql/find_first_revision.sql"))
        .bind::<Text, _>(organization)
        .bind::<Timestamptz, _>(time)
        .get_result(conn)
        .await
        .optional()?;
    Ok(first.map(|row| row.revision))
}

#[derive(QueryableByName)]
struct Rewritable {
    #[diesel(sql_type = Bool)]
    rewritable: bool,
}

/// Whether the role that the service connects as could change or remove what the audit keeps.
///
/// # Errors
/// A database that fails.
pub async fn is_rewritable(db: &Db) -> Result<bool> {
    db.system("audit_privileges", async |conn: &mut SystemConn| {
        let sql = include_str!("sql/audit_is_rewritable.sql");
        let row: Rewritable = diesel::sql_query(sql).get_result(conn).await?;
        Ok(row.rewritable)
    })
    .await
}
