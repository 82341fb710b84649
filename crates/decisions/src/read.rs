//! Reading snapshots from the store: a whole one, what has changed since one, and one of a few members only. Each is one
//! read snapshot of the store.

use std::collections::{BTreeMap, BTreeSet};

use rollcall_domain::{
    Email, MemberId, OrganizationId,
    email_export::{CheckSubject, Holding},
};
use rollcall_store::{
    Db, ReadTx, address_holdings,
    decisions::{self, StoredHolding, Version},
    email_export::{FoundSubject, SubjectKey, find_subject},
};
use tokio::task::block_in_place;

use crate::{
    Result, Snapshot,
    digest::DigestKey,
    snapshot::{Delta, HoldingsBuilder, SnapshotBuilder},
};

/// How many rows are read at once.
const PIECE: i64 = 5_000;

/// A snapshot with more members is built with `block_in_place`, so that the thread's other calls can run elsewhere.
const LARGE: usize = 10_000;

/// A change of fewer rows is always read as a change.
const CHANGE_MIN: u32 = 1_000;

/// A change of more rows is never read as a change: the organization is loaded again.
const CHANGE_MAX: u32 = 50_000;

/// Loads the state of an organization. `None` if it needs more than `max` bytes.
pub(crate) async fn load(
    db: &Db,
    key: DigestKey,
    organization: &OrganizationId,
    max: usize,
) -> Result<Option<Snapshot>> {
    loop {
        let checks = db.for_checks();
        let loading = checks.read(organization, "load_decisions", async |tx: &mut ReadTx| load_in(tx, key, max).await);
        match loading.await? {
            Read::Done(snapshot) => return Ok(snapshot.map(|snapshot| *snapshot)),
            Read::Unfilled => address_holdings::fill_one(db, organization).await?,
        }
    }
}

/// What a read snapshot of the store gives.
enum Read<T> {
    Done(T),
    /// An older release has written last: its address holdings must be filled in first.
    Unfilled,
}

async fn load_in(tx: &mut ReadTx, key: DigestKey, max: usize) -> rollcall_store::Result<Read<Option<Box<Snapshot>>>> {
    let version = decisions::get_version(tx).await?;
    if !version.is_filled {
        return Ok(Read::Unfilled);
    }
    let mut builder = SnapshotBuilder::new(key, version, tx.organization().phase);
    read_members(tx, &mut builder, max).await?;
    if builder.bytes() > max {
        return Ok(Read::Done(None));
    }
    let count = builder.member_count();
    let mut holdings = run_heavy(count, || builder.with_members());
    read_holdings(tx, &mut holdings).await?;
    let snapshot = run_heavy(count, || holdings.build());
    Ok(Read::Done((snapshot.bytes() <= max).then(|| Box::new(snapshot))))
}

/// Reads members until there are no more, or until they need too much memory.
async fn read_members(tx: &mut ReadTx, builder: &mut SnapshotBuilder, max: usize) -> rollcall_store::Result<()> {
    let mut after = String::new();
    while builder.bytes() <= max {
        let members = decisions::list_subjects_after(tx, &after, PIECE).await?;
        members.iter().for_each(|member| builder.add_member(member));
        match members.last() {
            Some(last) => last.member.as_str().clone_into(&mut after),
            None => break,
        }
    }
    Ok(())
}

async fn read_holdings(tx: &mut ReadTx, builder: &mut HoldingsBuilder) -> rollcall_store::Result<()> {
    let mut after = (String::new(), 0);
    loop {
        let holdings = decisions::list_holdings_after(tx, (&after.0, after.1), PIECE).await?;
        holdings.iter().for_each(|holding| builder.add(holding));
        match holdings.last() {
            Some(last) => after = (last.email.clone(), last.revision),
            None => return Ok(()),
        }
    }
}

/// Builds a part of a snapshot. Meanwhile the thread's other calls run elsewhere if there are many members.
fn run_heavy<T>(members: usize, work: impl FnOnce() -> T) -> T {
    if members > LARGE { block_in_place(work) } else { work() }
}

/// The state of an organization, compared with an older snapshot.
pub(crate) enum Change {
    /// The snapshot is still the state of the store.
    None,
    /// The next snapshot.
    Next(Box<Snapshot>),
    /// The history cannot tell what has changed, or too much has.
    Unknown,
}

/// Reads what has changed since a snapshot.
pub(crate) async fn read_change(db: &Db, organization: &OrganizationId, old: &Snapshot) -> Result<Change> {
    loop {
        let (checks, since, members) = (db.for_checks(), old.version(), old.member_count());
        let reading = checks.read(organization, "refresh_decisions", async |tx: &mut ReadTx| {
            read_delta(tx, since, (members / 4).clamp(CHANGE_MIN, CHANGE_MAX)).await
        });
        match reading.await? {
            Read::Unfilled => address_holdings::fill_one(db, organization).await?,
            Read::Done(Found::Same) => return Ok(Change::None),
            Read::Done(Found::Unknown) => return Ok(Change::Unknown),
            Read::Done(Found::Delta(delta)) => {
                let next = old.apply(&delta);
                return Ok(next.map_or(Change::Unknown, |next| Change::Next(Box::new(next))));
            }
        }
    }
}

enum Found {
    Same,
    Delta(Box<Delta>),
    Unknown,
}

async fn read_delta(tx: &mut ReadTx, since: Version, limit: u32) -> rollcall_store::Result<Read<Found>> {
    let version = decisions::get_version(tx).await?;
    if !version.is_filled {
        return Ok(Read::Unfilled);
    }
    if version == since {
        return Ok(Read::Done(Found::Same));
    }
    // The history of this database must contain the write that the snapshot is from. It does not if an older backup was
    // restored, even if other writes have reached a higher revision since.
    let is_continued = version.revision > since.revision
        && decisions::find_write_time(tx, since.revision).await? == Some(since.written_at);
    if !is_continued {
        return Ok(Read::Done(Found::Unknown));
    }
    let Some(touched) = decisions::list_touched(tx, since.revision, limit).await? else {
        return Ok(Read::Done(Found::Unknown));
    };
    let holdings = decisions::list_holdings(tx, &texts(&touched.addresses)).await?;
    let mut ids = touched.members;
    let mut addresses: BTreeMap<String, Vec<StoredHolding>> =
        touched.addresses.into_iter().map(|address| (address, Vec::new())).collect();
    for holding in holdings {
        addresses.entry(holding.email.clone()).or_default().push(holding);
    }
    let members = decisions::list_subjects(tx, &texts(&ids)).await?;
    for member in &members {
        ids.remove(member.member.as_str());
    }
    let phase = tx.organization().phase;
    let removed = ids.into_iter().map(MemberId::trusted).collect();
    let addresses = addresses.into_iter().collect();
    Ok(Read::Done(Found::Delta(Box::new(Delta { version, phase, members, removed, addresses }))))
}

fn texts(set: &BTreeSet<String>) -> Vec<&str> {
    set.iter().map(String::as_str).collect()
}

/// Reads a snapshot that knows only what the given questions need.
pub(crate) async fn read_part(
    db: &Db,
    key: DigestKey,
    organization: &OrganizationId,
    subjects: &[SubjectKey],
) -> Result<Snapshot> {
    loop {
        let read = match subjects {
            [subject] => read_one(db, key, organization, subject).await?,
            _ => {
                let checks = db.for_checks();
                let reading = checks
                    .read(organization, "read_decisions", async |tx: &mut ReadTx| read_some(tx, key, subjects).await);
                reading.await?
            }
        };
        match read {
            Read::Done(snapshot) => return Ok(snapshot),
            Read::Unfilled => address_holdings::fill_one(db, organization).await?,
        }
    }
}

/// Reads a snapshot for one question, in one statement.
async fn read_one(
    db: &Db,
    key: DigestKey,
    organization: &OrganizationId,
    subject: &SubjectKey,
) -> Result<Read<Snapshot>> {
    let facts = find_subject(db, organization, subject).await?;
    let version =
        Version { revision: facts.revision, written_at: rollcall_domain::Timestamp::MIN_UTC, is_filled: true };
    let mut builder = SnapshotBuilder::new(key, version, facts.phase);
    let (members, holdings) = match (facts.subject, subject) {
        (FoundSubject::UnfilledAddress, _) => return Ok(Read::Unfilled),
        (FoundSubject::Member(member), _) => (member.into_iter().collect(), Vec::new()),
        (FoundSubject::Address(holdings), SubjectKey::Email(email)) => divide(email, holdings),
        (FoundSubject::Address(_), SubjectKey::Member(_)) => (Vec::new(), Vec::new()),
    };
    let mut known = BTreeSet::new();
    members.iter().filter(|member| known.insert(&member.member)).for_each(|member| builder.add_member(member));
    let mut builder = builder.with_members();
    holdings.iter().for_each(|holding| builder.add(holding));
    Ok(Read::Done(builder.build()))
}

/// Divides holdings with their members into both.
fn divide(email: &Email, holdings: Vec<Holding<CheckSubject>>) -> (Vec<CheckSubject>, Vec<StoredHolding>) {
    let divided = holdings.into_iter().map(|Holding { member, begins, is_exact }| {
        let (email, member_id) = (email.as_str().to_owned(), member.member.as_str().to_owned());
        (member, StoredHolding { email, revision: 0, member_id, begins_at: begins, is_exact })
    });
    divided.unzip()
}

async fn read_some(tx: &mut ReadTx, key: DigestKey, subjects: &[SubjectKey]) -> rollcall_store::Result<Read<Snapshot>> {
    let version = decisions::get_version(tx).await?;
    if !version.is_filled {
        return Ok(Read::Unfilled);
    }
    let (mut ids, mut emails) = (BTreeSet::new(), BTreeSet::new());
    for subject in subjects {
        match subject {
            SubjectKey::Member(id) => drop(ids.insert(id.as_str())),
            SubjectKey::Email(email) => drop(emails.insert(email.as_str())),
        }
    }
    let holdings = decisions::list_holdings(tx, &Vec::from_iter(emails)).await?;
    ids.extend(holdings.iter().map(|holding| holding.member_id.as_str()));
    let members = decisions::list_subjects(tx, &Vec::from_iter(ids)).await?;
    let mut builder = SnapshotBuilder::new(key, version, tx.organization().phase);
    members.iter().for_each(|member| builder.add_member(member));
    let mut builder = builder.with_members();
    holdings.iter().for_each(|holding| builder.add(holding));
    Ok(Read::Done(builder.build()))
}
