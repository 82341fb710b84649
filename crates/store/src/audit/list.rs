//! Lists audit events. The documents of a large sync are as large as the sync, and a response shows only a part of them. So
//! they are read in pieces, and shortened while they are read.

use std::collections::HashMap;

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{BigInt, Binary, Bool, Integer},
};
use diesel_async::RunQueryDsl;
use futures::TryStreamExt as _;
use rollcall_domain::{AssignmentId, MemberId, Timestamp};
use uuid::Uuid;

use super::shown::{DocumentReader, ShownDocument};
use crate::{
    Error, ReadTx, Result,
    arrays::column,
    db::{load, run_statement},
    domain_columns::CountColumn,
    schema::audit_events,
};

/// An audit event as it is stored, without its documents.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
#[diesel(table_name = audit_events, check_for_backend(Pg))]
pub struct EventHead {
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

/// An audit event with what a response shows of its documents.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredEvent {
    /// Who changed what, and when.
    pub head: EventHead,
    /// What changed, before the write.
    pub before: Option<ShownDocument>,
    /// What changed, after the write.
    pub after: Option<ShownDocument>,
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

/// The stored size of the documents at which a page ends: the event of a sync of 100,000 members is large.
const PAGE_BYTES: i64 = 8 << 20;

/// The size of the shown documents at which a page ends. A response has no room for more.
const PAGE_SHOWN_BYTES: usize = 2 << 20;

/// The size of the pieces in which documents are read. A document of any size takes the memory of a few pieces.
const PIECE_BYTES: i32 = 512 << 10;

#[derive(QueryableByName)]
struct ListedEventRow {
    #[diesel(embed)]
    head: EventHead,
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
    let mut documents = list_documents(tx, column(&rows, |row| row.head.revision)).await?;
    let mut events = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let Documents { before, after } = documents.remove(&row.head.revision).unwrap_or_default();
        bytes += [&before, &after].into_iter().flatten().map(|document| document.bytes).sum::<usize>();
        if bytes > PAGE_SHOWN_BYTES && !events.is_empty() {
            break;
        }
        events.push(StoredEvent { head: row.head, before, after });
    }
    let more = usize::try_from(found).is_ok_and(|found| found > events.len());
    Ok(EventPage { events, more })
}

/// The documents of one event.
#[derive(Debug, Default)]
struct Documents {
    before: Option<ShownDocument>,
    after: Option<ShownDocument>,
}

#[derive(QueryableByName)]
struct PieceRow {
    #[diesel(sql_type = BigInt)]
    revision: i64,
    #[diesel(sql_type = Bool)]
    is_after: bool,
    #[diesel(sql_type = Integer)]
    number: i32,
    #[diesel(sql_type = Binary)]
    piece: Vec<u8>,
}

/// Reads the documents of the events with the given revisions, as a response shows them. Reads pieces until the shown
/// documents are larger than a page.
async fn list_documents(tx: &mut ReadTx, revisions: Vec<i64>) -> Result<HashMap<i64, Documents>> {
    let of_statement = Error::of_statement("list_audit_documents");
    let mut pieces =
        run_statement!(load_stream, tx, "list_audit_documents", revisions, PIECE_BYTES).await.map_err(&of_statement)?;
    let mut documents: HashMap<i64, Documents> = HashMap::new();
    let mut reading: Option<(i64, bool, DocumentReader)> = None;
    let mut bytes = 0;
    loop {
        let row: Option<PieceRow> = pieces.try_next().await.map_err(&of_statement)?;
        if row.as_ref().is_none_or(|row| row.number == 0)
            && let Some((revision, is_after, reader)) = reading.take()
        {
            let shown = reader.finish().await.map_err(|error| Error::InvalidData(error.into()))?;
            bytes += shown.bytes;
            let documents = documents.entry(revision).or_default();
            *(if is_after { &mut documents.after } else { &mut documents.before }) = Some(shown);
        }
        let Some(row) = row.filter(|_| bytes <= PAGE_SHOWN_BYTES) else { return Ok(documents) };
        let (_, _, reader) = reading.get_or_insert_with(|| (row.revision, row.is_after, DocumentReader::start()));
        reader.send(row.piece).await;
    }
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
