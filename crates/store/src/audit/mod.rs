//! The audit log: one event for each revision, with what the write touched. Events are only inserted and read: the
//! database refuses to change or delete them.

mod document;
mod list;
mod members;
mod shown;

use std::collections::{BTreeSet, HashSet};

use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::{QueryFragment, QueryId},
    sql_types::Bool,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures::try_join;
use rollcall_domain::{AssignmentId, MemberId, OrganizationId, Plan, Timestamp, plan::Counts};
use uuid::Uuid;

pub use document::Document;
pub use list::{AuditFilter, EventHead, EventPage, StoredEvent, list_events};
pub use members::{TouchedChange, TouchedMember, list_touched_members};
pub use shown::{SHOWN_BYTES, ShownDocument, ShownValue};

use crate::{
    Db, Error, Result, SystemConn, WriteTx,
    arrays::{column, slices},
    db::{Prepared, execute, statement},
    schema::organizations,
};

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
pub(crate) async fn finish_write(tx: &mut WriteTx, impact: &Impact, mut event: AuditEvent) -> Result<i64> {
    insert_members(tx, &impact.without_change).await?;
    for (document, is_after) in [(&mut event.before, false), (&mut event.after, true)] {
        if let Some(large) = document.take_if(|document| document.single_part().is_none()) {
            document::insert_parts(tx, large, is_after).await?;
        }
    }
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
    tx.note_written(revision);
    Ok(revision)
}

/// Inserts the members whom a write touched and who have no row in `member_changes` for it.
async fn insert_members(tx: &mut WriteTx, members: &[MemberId]) -> Result<()> {
    let revision = tx.next_revision();
    for slice in slices(members) {
        execute!(tx, Prepared("insert_audit_members"), revision, column(slice, MemberId::as_str)).await?;
    }
    Ok(())
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
        event.before.as_ref().and_then(Document::single_part),
        event.after.as_ref().and_then(Document::single_part),
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
        impact.assignments.iter().map(AssignmentId::as_str).collect::<Vec<_>>()
    );
    (Prepared(insert_event), Prepared(insert_subjects))
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
