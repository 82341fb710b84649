//! Seats: how many members hold one, which members wait for one, and what a plan changes. Only pending seats are stored:
//! a member who claims a seat and does not wait for it holds it. An organization whose catalog has no totals has no
//! pending seats, so they are not read there. The organization's row keeps how many seats of each type with a total are used
//! and pending, so that a write need not count them.

use std::collections::{BTreeMap, BTreeSet};

use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Integer, Text},
};
use diesel_async::RunQueryDsl;
use rollcall_domain::{
    AssignmentId, MemberId, MemberState, Plan, Timestamp,
    seats::{PendingSeat, SeatCount},
};
use serde_json::Value;

use crate::{
    Error, ReadTx, Result, WriteTx,
    arrays::{column, slices},
    bounded_reads::prepare_bounded_reads,
    db::{execute, load},
    domain_columns::{CountColumn, IdColumn},
    members::write,
    plan_cache::{PLAN_CACHE_ROWS, discard_cached_plans},
    schema::{organizations, pending_seats},
};

/// The number of used and pending seats of a type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, QueryableByName)]
pub struct SeatUse {
    /// Members who hold a seat.
    #[diesel(sql_type = Integer, deserialize_as = CountColumn)]
    pub used: u32,
    /// Members who wait for a seat.
    #[diesel(sql_type = Integer, deserialize_as = CountColumn)]
    pub pending: u32,
}

/// Members of one assignment who wait for the same seat type.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, QueryableByName)]
pub struct WaitingMembers {
    /// The assignment of the members.
    #[diesel(sql_type = Text, column_name = assignment_id, deserialize_as = IdColumn)]
    pub assignment: AssignmentId,
    /// The seat type that the members wait for.
    #[diesel(sql_type = Text)]
    pub seat_type: String,
    /// The number of members.
    #[diesel(sql_type = Integer, deserialize_as = CountColumn)]
    pub members: u32,
    /// Whether more members may wait than were counted.
    #[diesel(sql_type = Bool)]
    pub is_partial: bool,
}

#[derive(QueryableByName)]
struct SeatUseRow {
    #[diesel(sql_type = Text)]
    seat_type: String,
    #[diesel(embed)]
    seats: SeatUse,
}

/// Returns how many seats of each type are used and pending, as the organization's last write has left them. The types are
/// those that had a total when their seats were last counted. Returns `None` if the last write did not keep the counts.
pub async fn find_counts(tx: &mut ReadTx) -> Result<Option<BTreeMap<String, SeatCount>>> {
    let revision = tx.organization().revision;
    let (conn, organization) = tx.parts();
    let query = organizations::table
        .find(organization)
        .filter(organizations::seat_counts_revision.eq(revision))
        .select(organizations::seat_counts);
    let counts: Option<Value> = query.first(conn).await.optional()?;
    let read = |counts| serde_json::from_value(counts);
    counts.map(read).transpose().map_err(|error| Error::corrupt(format!("the seat counts cannot be read: {error}")))
}

/// Counts the seats of each type that at least one member claims.
pub async fn count_seats(tx: &mut ReadTx) -> Result<BTreeMap<String, SeatUse>> {
    let rows: Vec<SeatUseRow> = load!(tx, "count_seats").await?;
    Ok(rows.into_iter().map(|row| (row.seat_type, row.seats)).collect())
}

#[derive(QueryableByName)]
#[diesel(table_name = pending_seats, check_for_backend(Pg))]
struct PendingSeatRow {
    seat_type: String,
    member_id: String,
    pending_since: Timestamp,
    pending_revision: i64,
}

/// Reads pending seats of the seat types in `reach`: for each type its number of the oldest pending seats, and all pending
/// seats of `members`.
pub async fn list_pending(
    tx: &mut ReadTx,
    reach: &[(&str, u32)],
    members: &BTreeSet<&MemberId>,
) -> Result<BTreeMap<String, BTreeSet<PendingSeat>>> {
    let members: Vec<&str> = members.iter().map(|member| member.as_str()).collect();
    let rows: Vec<PendingSeatRow> = load!(
        tx,
        "list_pending_seats",
        column(reach, |(seat_type, _)| *seat_type),
        column(reach, |(_, reach)| i64::from(*reach)),
        members
    )
    .await?;
    let mut pending: BTreeMap<String, BTreeSet<PendingSeat>> = BTreeMap::new();
    for PendingSeatRow { seat_type, member_id, pending_since: since, pending_revision: revision } in rows {
        pending.entry(seat_type).or_default().insert(PendingSeat {
            since,
            revision,
            member: MemberId::trusted(member_id),
        });
    }
    Ok(pending)
}

/// Reads the seat types that each of the given members waits for. The result lacks members who wait for none.
pub async fn list_pending_of(tx: &mut ReadTx, members: Vec<&str>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut pending: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    if members.is_empty() || tx.organization().catalog.totals().is_empty() {
        return Ok(pending);
    }
    let (conn, organization) = tx.parts();
    let rows: Vec<(String, String)> = pending_seats::table
        .filter(pending_seats::organization_id.eq(organization))
        .filter(pending_seats::member_id.eq_any(members))
        .select((pending_seats::member_id, pending_seats::seat_type))
        .load(conn)
        .await?;
    for (member, seat_type) in rows {
        pending.entry(member).or_default().insert(seat_type);
    }
    Ok(pending)
}

/// Which members of an organization are counted if they wait for a seat.
#[derive(Clone, Copy, Debug)]
pub enum WaitingScope<'a> {
    /// All members.
    All,
    /// These members, the members who begin to wait with the plan, and up to 1,000 others.
    Including(&'a [MemberState]),
}

impl WaitingScope<'_> {
    /// The number of pending seats that are read without a look at their members; `None` for all.
    fn limit(self) -> Option<i64> {
        match self {
            Self::All => None,
            Self::Including(_) => Some(1_000),
        }
    }

    fn members(&self) -> Vec<&str> {
        match self {
            Self::All => Vec::new(),
            Self::Including(members) => members.iter().map(|member| member.id.as_str()).collect(),
        }
    }
}

/// Counts the members of the given assignments who will wait for each seat type after a plan.
pub async fn count_waiting(
    tx: &mut ReadTx,
    assignments: &BTreeSet<&AssignmentId>,
    plan: &Plan,
    scope: WaitingScope<'_>,
) -> Result<BTreeSet<WaitingMembers>> {
    let assignments: Vec<&str> = assignments.iter().map(|id| id.as_str()).collect();
    if assignments.is_empty() || tx.organization().catalog.totals().is_empty() {
        return Ok(BTreeSet::new());
    }
    let gone = plan.seats.queues.iter().flat_map(|(seat_type, queue)| {
        queue.granted.iter().chain(&queue.left).map(move |member| (format!("{seat_type} {member}"), Value::Null))
    });
    let begins = plan.seats.queues.iter().flat_map(|(seat_type, queue)| {
        queue.made_pending.iter().map(move |member| (seat_type.as_str(), member.as_str()))
    });
    let (seat_types, members): (Vec<&str>, Vec<&str>) = begins.unzip();
    let entering = plan.members.iter().filter(|change| change.changes_assignment());
    let homes = entering.map(|change| (change.member.to_string(), change.after.assignment.as_str().into()));
    let (gone, homes) = (Value::Object(gone.collect()), Value::Object(homes.collect()));
    if scope.limit().is_some() {
        prepare_bounded_reads(tx).await?;
    }
    let waiting: Vec<WaitingMembers> = load!(
        tx,
        "count_waiting_members",
        assignments,
        gone,
        seat_types,
        members,
        homes,
        scope.members(),
        scope.limit()
    )
    .await?;
    Ok(waiting.into_iter().collect())
}

/// Writes what a plan changes about seats. A granted seat changes the member's etag, so the member's revision is set; the
/// plan writes the other members anyway.
pub(crate) async fn apply(tx: &mut WriteTx, plan: &Plan) -> Result<()> {
    let changes = &plan.seats;
    let most = changes.queues.values().map(|queue| queue.made_pending.len()).max().unwrap_or_default();
    if most > PLAN_CACHE_ROWS {
        discard_cached_plans(tx).await?;
    }
    for (seat_type, queue) in &changes.queues {
        delete_pending(tx, seat_type, &queue.granted).await?;
        delete_pending(tx, seat_type, &queue.left).await?;
        insert_pending(tx, seat_type, &queue.made_pending).await?;
    }
    let granted: BTreeSet<&MemberId> = changes.granted().collect();
    write::touch(tx, &granted.into_iter().cloned().collect::<Vec<_>>()).await?;
    keep_counts(tx, plan).await
}

/// Writes how many seats are used and pending after the plan. Counts that the plan does not change stay valid if they were
/// valid before. A new catalog may have other totals: without new counts, the seats are counted when they are needed.
async fn keep_counts(tx: &mut WriteTx, plan: &Plan) -> Result<()> {
    let (before, after) = (tx.organization().revision, tx.next_revision());
    let has_totals = !tx.organization().catalog.totals().is_empty();
    let (conn, organization) = tx.parts();
    let row = organizations::table.find(organization);
    if !plan.seats.counts.is_empty() {
        let counts = serde_json::to_value(&plan.seats.counts).map_err(|error| Error::Internal(error.into()))?;
        let kept = (organizations::seat_counts.eq(counts), organizations::seat_counts_revision.eq(after));
        diesel::update(row).set(kept).execute(conn).await?;
    } else if has_totals && plan.catalog.is_none() {
        let valid = row.filter(organizations::seat_counts_revision.eq(before));
        diesel::update(valid).set(organizations::seat_counts_revision.eq(after)).execute(conn).await?;
    }
    Ok(())
}

async fn delete_pending(tx: &mut WriteTx, seat_type: &str, members: &[MemberId]) -> Result<()> {
    for slice in slices(members) {
        let (conn, organization) = tx.parts();
        let rows = pending_seats::table
            .filter(pending_seats::organization_id.eq(organization))
            .filter(pending_seats::seat_type.eq(seat_type))
            .filter(pending_seats::member_id.eq_any(column(slice, MemberId::as_str)));
        diesel::delete(rows).execute(conn).await?;
    }
    Ok(())
}

async fn insert_pending(tx: &mut WriteTx, seat_type: &str, members: &[MemberId]) -> Result<()> {
    let (revision, now) = (tx.next_revision(), tx.now());
    for slice in slices(members) {
        let members = column(slice, MemberId::as_str);
        execute!(tx, Prepared("insert_pending_seats"), seat_type, members, now, revision).await?;
    }
    Ok(())
}
