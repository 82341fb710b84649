//! The audit log: one event for each revision, with what the write touched. Events are only inserted and read: the
//! database refuses to change or delete them.

use std::collections::{BTreeSet, HashSet};

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{QueryFragment, QueryId},
    sql_types::{BigInt, Bool},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::try_join;
use rollcall_domain::{AssignmentId, MemberId, OrganizationId, Plan, Timestamp, plan::Counts};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Db, Error, ReadTx, Result, SystemConn, WriteTx,
    arrays::column,
    db::{Prepared, load, statement},
    domain_columns::CountColumn,
    schema::{audit_events, organizations},
};

/// What changed, as JSON text: for a large sync a [`Value`] would take ten times the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document(String);

impl Document {
    /// Serializes plain data, which always succeeds.
    pub fn of(value: &impl Serialize) -> Option<Self> {
        serde_json::to_string(value).ok().map(Self)
    }

    /// The document with one more field. A document that is no object stays as it is.
    #[must_use]
    pub fn with_field(self, name: &str, value: &str) -> Self {
        let Ok(Value::Object(mut object)) = serde_json::from_str(&self.0) else { return self };
        object.insert(name.to_owned(), value.into());
        Self(Value::Object(object).to_string())
    }
}

/// The audit event of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// The caller who requested the change.
    pub actor: String,
    /// The RPC or job, for example `UpdateAssignment`.
    pub method: &'static str,
    /// The name of the resource that was changed.
    pub resource: String,
    /// The caller's id for the request.
    pub request_id: Option<Uuid>,
    /// The trace that the write was part of.
    pub trace_id: Option<String>,
    /// What changed, before the write; absent for a new resource.
    pub before: Option<Document>,
    /// What changed, after the write, with the request; absent for a deleted resource.
    pub after: Option<Document>,
}

/// What a write touched: members and assignments by which its audit event can be found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Impact {
    /// How many members were touched.
    pub(crate) members: u32,
    /// Members touched without a row in `member_changes`: identity, groups, pin or pending seat changed.
    pub(crate) without_change: Vec<MemberId>,
    /// Assignments whose rank changed, that members entered or left, or that were deleted.
    pub(crate) assignments: BTreeSet<AssignmentId>,
    /// How members were changed.
    pub(crate) counts: Counts,
}

impl Impact {
    /// The impact of a plan.
    pub(crate) fn of_plan(plan: &Plan) -> Self {
        let changed: HashSet<&MemberId> = plan.members.iter().map(|change| &change.member).collect();
        let sync = &plan.directory;
        let identities = sync.members.iter().map(|upsert| &upsert.id);
        let regrouped = sync.added.iter().chain(&sync.removed).map(|(member, _)| member);
        let bound = sync.bindings.iter().map(|(member, ..)| member);
        let pinned = plan.pinned.iter().flat_map(|pins| &pins.members);
        let synced = identities.chain(regrouped).chain(bound);
        let others = synced.chain(&plan.unpinned).chain(pinned).chain(plan.seats.granted());
        let others: BTreeSet<&MemberId> = others.filter(|member| !changed.contains(member)).collect();
        let moved = plan.members.iter().filter(|change| change.changes_assignment());
        let assignments: BTreeSet<&AssignmentId> = moved
            .flat_map(|change| change.before.iter().chain([&change.after]))
            .map(|held| &held.assignment)
            .chain(&plan.removed)
            .collect();
        Self {
            members: u32::try_from(changed.len() + others.len()).unwrap_or(u32::MAX),
            without_change: others.into_iter().cloned().collect(),
            assignments: assignments.into_iter().cloned().collect(),
            counts: plan.counts(),
        }
    }
}

/// Ends a write: inserts its audit event and sets the organization's revision, which it returns. The address holdings are
/// complete up to this revision, because the lock has filled them in. The statements do not
/// depend on each other and share a round trip.
pub(crate) async fn finish_write(tx: &mut WriteTx, impact: &Impact, event: AuditEvent) -> Result<i64> {
    let (revision, now) = (tx.next_revision(), tx.now());
    let id = tx.id().clone();
    let (conn, organization) = tx.parts();
    let conn: &AsyncPgConnection = conn;
    let new_revision = diesel::update(organizations::table.find(organization)).set((
        organizations::revision.eq(revision),
        organizations::holdings_revision.eq(revision),
        organizations::last_write_at.eq(now),
    ));
    let (event, subjects) = event_statements(id.as_str(), (revision, now), impact, &event);
    let mut pipelined = (conn, conn, conn);
    try_join!(
        event.execute(&mut pipelined.0),
        subjects.execute(&mut pipelined.1),
        Prepared(new_revision).execute(&mut pipelined.2)
    )
    .map_err(Error::of_statement("insert_audit_event, insert_audit_subjects or update of the revision"))?;
    Ok(revision)
}

/// Inserts the event of a write that creates an organization.
pub(crate) async fn insert_event(
    conn: &AsyncPgConnection,
    organization: &OrganizationId,
    write: (i64, Timestamp),
    event: &AuditEvent,
) -> Result<()> {
    let impact = Impact::default();
    let (event, subjects) = event_statements(organization.as_str(), write, &impact, event);
    let mut pipelined = (conn, conn);
    try_join!(event.execute(&mut pipelined.0), subjects.execute(&mut pipelined.1))?;
    Ok(())
}

/// Returns the statements that insert an event and what its write touched.
fn event_statements<'a>(
    organization: &'a str,
    (revision, now): (i64, Timestamp),
    impact: &'a Impact,
    event: &'a AuditEvent,
) -> (impl QueryFragment<Pg> + QueryId + Send + 'a, impl QueryFragment<Pg> + QueryId + Send + 'a) {
    let counts = impact.counts;
    let insert_event = statement!(
        "insert_audit_event",
        organization,
        revision,
        now,
        &event.actor,
        event.method,
        &event.resource,
        event.request_id,
        event.trace_id.as_deref(),
        event.before.as_ref().map(|document| document.0.as_str()),
        event.after.as_ref().map(|document| document.0.as_str()),
        impact.members.cast_signed(),
        counts.assignment_changes.cast_signed(),
        counts.flips_to_export.cast_signed(),
        counts.flips_to_do_not_export.cast_signed(),
        counts.settings_changes.cast_signed()
    );
    let insert_subjects = statement!(
        "insert_audit_subjects",
        organization,
        revision,
        impact.assignments.iter().map(AssignmentId::as_str).collect::<Vec<_>>(),
        column(&impact.without_change, MemberId::as_str)
    );
    (Prepared(insert_event), Prepared(insert_subjects))
}

/// An audit event as it is stored.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
#[diesel(table_name = audit_events, check_for_backend(Pg))]
pub struct StoredEvent {
    /// The revision of the write.
    pub revision: i64,
    /// When the write happened.
    #[diesel(column_name = occurred_at)]
    pub time: Timestamp,
    /// The caller who requested the change.
    pub actor: String,
    /// The RPC or job.
    pub method: String,
    /// The name of the resource that was changed.
    pub resource: String,
    /// The caller's id for the request.
    pub request_id: Option<Uuid>,
    /// The trace that the write was part of.
    pub trace_id: Option<String>,
    /// What changed, before the write.
    pub before: Option<Value>,
    /// What changed, after the write.
    pub after: Option<Value>,
    /// How many members the write touched.
    #[diesel(column_name = members_changed, deserialize_as = CountColumn)]
    pub members: u32,
    /// Members who changed assignment.
    #[diesel(deserialize_as = CountColumn)]
    pub assignment_changes: u32,
    /// Members whose email export changed to EXPORT.
    #[diesel(deserialize_as = CountColumn)]
    pub flips_to_export: u32,
    /// Members whose email export changed to `DO_NOT_EXPORT`.
    #[diesel(deserialize_as = CountColumn)]
    pub flips_to_do_not_export: u32,
    /// Members whose settings changed.
    #[diesel(deserialize_as = CountColumn)]
    pub settings_changes: u32,
}

/// A filter of events. An event must meet every condition that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// The event touched this assignment, which may be deleted by now.
    pub assignment: Option<AssignmentId>,
    /// The event touched this member.
    pub member: Option<MemberId>,
    /// The event happened at this time or later.
    pub start: Option<Timestamp>,
    /// The event happened before this time.
    pub end: Option<Timestamp>,
}

/// A page of audit events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// Newest first.
    pub events: Vec<StoredEvent>,
    /// Whether there are older events.
    pub more: bool,
}

/// The stored size at which a page ends: the event of a sync of 100,000 members is large.
const PAGE_BYTES: i64 = 8 << 20;

#[derive(QueryableByName)]
struct ListedEventRow {
    #[diesel(embed)]
    event: StoredEvent,
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// Reads up to `limit` events before a revision, newest first. A page of large events is shorter.
pub async fn list_events(tx: &mut ReadTx, filter: &AuditFilter, before: Option<i64>, limit: u32) -> Result<EventPage> {
    let (from, until) = revisions(tx, filter, before).await?;
    let rows: Vec<ListedEventRow> = load!(
        tx,
        "list_audit_events",
        from,
        until,
        filter.assignment.as_ref().map(AssignmentId::as_str),
        filter.member.as_ref().map(MemberId::as_str),
        i64::from(limit),
        PAGE_BYTES
    )
    .await?;
    let found = rows.as_slice().first().map_or(0, |row| row.found);
    let more = usize::try_from(found).is_ok_and(|found| found > rows.len());
    Ok(EventPage { events: rows.into_iter().map(|row| row.event).collect(), more })
}

/// Returns the half-open range of revisions `[from, until)` that covers the requested time span. Revisions increase with
/// time.
async fn revisions(tx: &mut ReadTx, filter: &AuditFilter, before: Option<i64>) -> Result<(i64, i64)> {
    let from = match filter.start {
        Some(start) => find_first_revision(tx, start).await?.unwrap_or(i64::MAX),
        None => 0,
    };
    let until = match filter.end {
        Some(end) => find_first_revision(tx, end).await?,
        None => None,
    };
    Ok((from, until.into_iter().chain(before).min().unwrap_or(i64::MAX)))
}

/// Returns the first revision at a time or later.
async fn find_first_revision(tx: &mut ReadTx, time: Timestamp) -> Result<Option<i64>> {
    let (conn, organization) = tx.parts();
    let query = audit_events::table
        .filter(audit_events::organization_id.eq(organization))
        .filter(audit_events::occurred_at.ge(time))
        .order((audit_events::occurred_at, audit_events::revision))
        .select(audit_events::revision);
    Ok(query.first(conn).await.optional()?)
}

#[derive(QueryableByName)]
struct Privileges {
    #[diesel(sql_type = Bool)]
    rewritable: bool,
}

/// Returns whether the service's database role can change or delete audit events.
pub async fn is_rewritable(db: &Db) -> Result<bool> {
    db.system("audit_privileges", async |conn: &mut SystemConn| {
        let query = statement!("audit_is_rewritable");
        Ok(query.get_result::<Privileges>(conn).await?.rewritable)
    })
    .await
}
