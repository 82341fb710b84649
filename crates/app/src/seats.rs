//! What a change does to seats. This comes between the plan of a change and its writing, so that a preview counts what the
//! change would do (product.md 6).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rollcall_domain::{
    Assignment, AssignmentId, AssignmentList, Facts, MemberId, OrganizationId, Plan, Proposal, Settings, SettingsId,
    catalog::Catalog,
    names,
    seats::{Claimant, Claims, SeatChanges, SeatCount, SeatQueue},
};
use rollcall_store::{
    ReadTx, WriteTx,
    members::{MemberView, settings::get_settings},
    seats::{self as store, SeatUse, WaitingScope},
};

use crate::{Result, Subject, Warning};

/// How many seats of each type are used and pending.
type SeatCounts = BTreeMap<String, SeatCount>;

/// Plans what a change does to seats. Returns it with the assignments whose members begin to wait. Where no seat type has a
/// total, nothing is read, except the settings by which a preview counts the members whose seats change.
pub(crate) async fn plan(
    tx: &mut WriteTx,
    plan: &Plan,
    facts: &Facts,
    preview: bool,
) -> Result<(SeatChanges, BTreeSet<AssignmentId>)> {
    let before = &tx.organization().catalog;
    let catalog = plan.catalog.as_ref().unwrap_or(before).clone();
    let (totals, changed) = (catalog.totals(), catalog.changed_totals(before));
    if totals.is_empty() && changed.is_empty() && !preview {
        return Ok(Default::default());
    }
    let claimants = Claimant::list(plan, facts);
    // The settings by which claimants claim seats, including those that the plan is about to write.
    let mut settings: HashMap<SettingsId, Settings> = plan.settings.iter().map(|new| (new.id(), new.clone())).collect();
    let claimed = claimants.iter().flat_map(|claimant| [claimant.before, claimant.after]).flatten();
    let missing: BTreeSet<SettingsId> = claimed.filter(|id| !settings.contains_key(id)).collect();
    settings.extend(get_settings(tx, &missing).await?);
    let claims = Claims::of(&claimants, &settings);
    let claimed = claims.seat_types().filter_map(|seat| Some((seat, Some(*totals.get(seat)?))));
    let limited: BTreeMap<&str, Option<u32>> = claimed.chain(changed).collect();
    if limited.is_empty() {
        let changes = SeatChanges::plan(&claims, &BTreeMap::new());
        return Ok((changes, BTreeSet::new()));
    }
    let mut counts = count(tx, &limited, &totals).await?;
    let queues = load_queues(tx, &limited, &claims, &counts).await?;
    let mut changes = SeatChanges::plan(&claims, &queues);
    counts.append(&mut changes.counts);
    counts.retain(|seat, _| totals.contains_key(seat.as_str()));
    changes.counts = counts;
    let pending: BTreeSet<&MemberId> = changes.queues.values().flat_map(|queue| &queue.made_pending).collect();
    let waiting = claimants.iter().filter(|claimant| pending.contains(&claimant.member));
    let waiting = waiting.map(|claimant| claimant.assignment.clone()).collect();
    Ok((changes, waiting))
}

/// Returns how many seats of each type are used and pending: as the last write has left them, or counted if that is not
/// known for each of the types `limited`.
async fn count(
    tx: &mut ReadTx,
    limited: &BTreeMap<&str, Option<u32>>,
    totals: &BTreeMap<&str, u32>,
) -> Result<SeatCounts> {
    if let Some(known) = store::find_counts(tx).await?
        && limited.keys().all(|seat| known.contains_key(*seat))
    {
        return Ok(known);
    }
    let mut counts: SeatCounts = totals.keys().map(|seat| ((*seat).to_owned(), SeatCount::default())).collect();
    let counted = store::count_seats(tx).await?.into_iter();
    counts.extend(counted.map(|(seat, SeatUse { used, pending })| (seat, SeatCount { used, pending })));
    Ok(counts)
}

/// Warns about members who wait for seats once the plan is written: of the assignments that it saves or pins to, and of
/// the assignments `waiting`, whose members begin to wait. A new catalog concerns every assignment. It also leaves seats
/// that require another seat which the assignment does not give; that is refused when the assignment is next saved. Of many
/// waiting members, only some of those whom the change does not concern are counted.
pub(crate) async fn warnings(
    tx: &mut ReadTx,
    proposal: &Proposal<'_>,
    list: &AssignmentList,
    plan: &Plan,
    facts: &Facts,
    waiting: &BTreeSet<AssignmentId>,
) -> Result<Vec<Warning>> {
    let mut found = Vec::new();
    let mut scope = WaitingScope::Including(&facts.members);
    let mut catalog = tx.organization().catalog.clone();
    let saved = plan.saved.iter().map(|saved| &saved.assignment.id);
    let target = plan.pinned.iter().map(|pins| &pins.assignment);
    let mut concerned: BTreeSet<&AssignmentId> = waiting.iter().chain(saved).chain(target).collect();
    if let Proposal::ReplaceCatalog(replace) = proposal {
        catalog.clone_from(replace.catalog());
        scope = WaitingScope::All;
        found.extend(list.ranked().flat_map(|(_, assignment)| unmet_requirements(tx.id(), &catalog, assignment)));
        concerned.extend(list.ranked().map(|(_, assignment)| &assignment.id));
    }
    let totals = catalog.totals();
    for waiting in store::count_waiting(tx, &concerned, plan, scope).await? {
        let name = names::assignment(tx.id(), &waiting.assignment);
        let at_least = if waiting.is_partial { "at least " } else { "" };
        let who = match waiting.members {
            1 => format!("{at_least}1 member of {name} waits"),
            members => format!("{at_least}{members} members of {name} wait"),
        };
        let message = message(&who, &waiting.seat_type, &totals);
        found.push(Warning { subject: Subject::Assignment(waiting.assignment), message });
    }
    Ok(found)
}

fn unmet_requirements(organization: &OrganizationId, catalog: &Catalog, assignment: &Assignment) -> Vec<Warning> {
    let name = names::assignment(organization, &assignment.id);
    let warning = |(seat, required): (&str, &str)| Warning {
        subject: Subject::Assignment(assignment.id.clone()),
        message: format!("{name} gives the seat `{seat}` without `{required}`, which it requires; give both"),
    };
    catalog.unmet_requirements(&assignment.settings).into_iter().map(warning).collect()
}

/// Warns about the seats for which one member waits.
pub(crate) fn warnings_of_member(catalog: &Catalog, member: &MemberView) -> Vec<Warning> {
    let totals = catalog.totals();
    let who = format!("the member {} waits", member.id);
    let warning =
        |seat: &String| Warning { subject: Subject::Member(member.id.clone()), message: message(&who, seat, &totals) };
    member.pending_seats.iter().map(warning).collect()
}

/// Shows on a member the pending seats that the plan leaves.
pub(crate) fn show_planned(member: &mut MemberView, seats: &SeatChanges) {
    for (seat, queue) in &seats.queues {
        if queue.made_pending.contains(&member.id) {
            member.pending_seats.insert(seat.clone());
        } else if queue.granted.contains(&member.id) || queue.left.contains(&member.id) {
            member.pending_seats.remove(seat);
        }
    }
}

fn message(who: &str, seat: &str, totals: &BTreeMap<&str, u32>) -> String {
    let total = totals.get(seat).copied().unwrap_or_default();
    format!("{who} for the seat `{seat}`: the total of {total} is used up; raise the total or free some")
}

/// Reads how the given seat types are used, with their totals as they will be. Of a long queue, only the pending seats that
/// can change are read.
async fn load_queues(
    tx: &mut WriteTx,
    totals: &BTreeMap<&str, Option<u32>>,
    claims: &Claims<'_>,
    counts: &SeatCounts,
) -> Result<BTreeMap<String, SeatQueue>> {
    let mut queues = BTreeMap::new();
    let mut reach = Vec::new();
    let mut end = BTreeSet::new();
    for (seat, total) in totals {
        let now = counts.get(*seat).copied().unwrap_or_default();
        let queue = SeatQueue { total: *total, count: now, ..SeatQueue::default() };
        if now.pending > 0 {
            reach.push((*seat, queue.reach(claims.get(seat))));
            end.extend(claims.get(seat).into_iter().flat_map(|claims| &claims.end));
        }
        queues.insert((*seat).to_owned(), queue);
    }
    if !reach.is_empty() {
        for (seat, pending) in store::list_pending(tx, &reach, &end).await? {
            queues.entry(seat).or_default().pending = pending;
        }
    }
    Ok(queues)
}
