//! What a change does to seats: every change that a claim on one can depend on comes through here, between its plan and
//! its writing, so that a preview counts what the change would do.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rollcall_domain::{
    AssignmentId, MemberId, Plan, Settings, SettingsId,
    catalog::Catalog,
    seats::{Claimant, Claims, SeatChanges, SeatQueue},
};
use rollcall_store::{
    ReadTx, WriteTx,
    members::{MemberView, settings::get_settings},
    seats::{self as store, SeatUse},
};

use crate::{Result, Subject, Warning, assignments};

/// How much of each seat type is used.
type SeatUses = BTreeMap<String, SeatUse>;

/// Adds to a plan what it does to seats, and answers what is configured by it but not effective. Where no seat type has
/// a total nothing is read, but for the settings by which a preview counts whose seats change; who claims what is not
/// even worked out.
pub(crate) async fn settle(
    tx: &mut WriteTx,
    plan: &mut Plan,
    claimants: impl FnOnce(&Plan) -> Vec<Claimant>,
    preview: bool,
) -> Result<Vec<Warning>> {
    let catalog = tx.organization().catalog.clone();
    let totals = catalog.totals();
    if totals.is_empty() && !preview {
        return Ok(Vec::new());
    }
    let claimants = claimants(plan);
    let settings = settings_of(tx, plan, &claimants).await?;
    let claims = Claims::of(&claimants, &settings);
    let limited: BTreeMap<&str, Option<u32>> =
        claims.seat_types().filter_map(|seat| Some((seat, Some(*totals.get(seat)?)))).collect();
    let uses = if limited.is_empty() { SeatUses::new() } else { store::count_seats(tx).await? };
    let queues = load_queues(tx, &limited, &claims, &uses).await?;
    plan.seats = SeatChanges::plan(&claims, &queues);
    let begin: BTreeSet<&MemberId> = plan.seats.queues.values().flat_map(|queue| &queue.made_pending).collect();
    let homes =
        claimants.iter().filter(|claimant| begin.contains(&claimant.member)).map(|claimant| &claimant.assignment);
    let target = plan.saved.iter().map(|saved| &saved.id).chain(plan.pinned.iter().map(|(target, _)| target));
    let concerned = homes.chain(target).collect();
    warnings(tx, plan, &catalog, &concerned).await
}

/// What a new catalog does to seats that are used like this: totals that are raised or gone grant them.
pub(crate) async fn plan_totals(tx: &mut WriteTx, catalog: &Catalog, uses: &SeatUses) -> Result<Plan> {
    let changed = catalog.changed_totals(&tx.organization().catalog);
    let claims = Claims::default();
    let queues = load_queues(tx, &changed, &claims, uses).await?;
    Ok(Plan { seats: SeatChanges::plan(&claims, &queues), ..Plan::default() })
}

/// Who of some assignments will wait for seats once a plan is written.
pub(crate) async fn warnings(
    tx: &mut ReadTx,
    plan: &Plan,
    catalog: &Catalog,
    concerned: &BTreeSet<&AssignmentId>,
) -> Result<Vec<Warning>> {
    let waiting = store::count_waiting(tx, concerned, plan).await?;
    let totals = catalog.totals();
    let warning = |waiting: store::WaitingMembers| {
        let name = assignments::resource_name(tx.id(), &waiting.assignment);
        let who = match waiting.members {
            1 => format!("1 member of {name} waits"),
            members => format!("{members} members of {name} wait"),
        };
        Warning {
            subject: Subject::Assignment(waiting.assignment),
            message: message(&who, &waiting.seat_type, &totals),
        }
    };
    Ok(waiting.into_iter().map(warning).collect())
}

/// Which seats a member waits for.
pub(crate) fn warnings_of(tx: &ReadTx, member: &MemberView) -> Vec<Warning> {
    let totals = tx.organization().catalog.totals();
    let who = format!("the member {} waits", member.id);
    let warning =
        |seat: &String| Warning { subject: Subject::Member(member.id.clone()), message: message(&who, seat, &totals) };
    member.pending_seats.iter().map(warning).collect()
}

/// Shows of a member the pending seats that they would have.
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
    format!("{who} for the seat `{seat}`: all {total} are used; raise the total or free some")
}

/// The settings by which claimants claim, those included that the plan is about to write.
async fn settings_of(tx: &mut WriteTx, plan: &Plan, claimants: &[Claimant]) -> Result<HashMap<SettingsId, Settings>> {
    let mut settings: HashMap<SettingsId, Settings> = plan.settings.iter().map(|new| (new.id(), new.clone())).collect();
    let claimed = claimants.iter().flat_map(|claimant| [claimant.before, claimant.after]).flatten();
    let stored: BTreeSet<SettingsId> = claimed.filter(|id| !settings.contains_key(id)).collect();
    settings.extend(get_settings(tx, &stored).await?);
    Ok(settings)
}

/// Reads how the given seat types stand, with their totals as they will be; of a long queue only what is in reach.
async fn load_queues(
    tx: &mut WriteTx,
    totals: &BTreeMap<&str, Option<u32>>,
    claims: &Claims<'_>,
    uses: &SeatUses,
) -> Result<BTreeMap<String, SeatQueue>> {
    let mut queues = BTreeMap::new();
    let mut reach = Vec::new();
    let mut end = BTreeSet::new();
    for (seat, total) in totals {
        let now = uses.get(*seat).copied().unwrap_or_default();
        let queue = SeatQueue { total: *total, used: now.used, ..SeatQueue::default() };
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
