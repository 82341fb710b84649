//! Seats with a limited total: held seats, pending seats, and the next free seat (product.md 6).

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::{prelude::*, test_runner::Config};
use rollcall_domain::{
    MemberId, Settings, SettingsId,
    seats::{Claimant, Claims, PendingSeat, SeatChanges, SeatCount, SeatQueue},
};
use support::{assignment, at, member, seats};

/// Seats in the format of the store: the seats in the settings of active members, and the pending seats with their
/// revisions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct SeatLedger {
    revision: i64,
    totals: BTreeMap<String, u32>,
    given: BTreeMap<MemberId, Settings>,
    pending: BTreeMap<String, BTreeSet<PendingSeat>>,
}

impl SeatLedger {
    fn claimants(&self, seat: &str) -> BTreeSet<&MemberId> {
        self.given.iter().filter(|(_, given)| given.seats.contains(seat)).map(|(id, _)| id).collect()
    }

    fn queue(&self, seat: &str) -> Vec<&MemberId> {
        self.pending.get(seat).into_iter().flatten().map(|pending| &pending.member).collect()
    }

    fn holders(&self, seat: &str) -> BTreeSet<&MemberId> {
        let waiting = self.queue(seat);
        self.claimants(seat).into_iter().filter(|id| !waiting.contains(id)).collect()
    }

    fn count(&self, seat: &str) -> SeatCount {
        let [used, pending] = [self.holders(seat).len(), self.queue(seat).len()]
            .map(|members| u32::try_from(members).unwrap_or(u32::MAX));
        SeatCount { used, pending }
    }

    /// Applies a change: other totals, and members with other seats, or none while inactive. Loads only the reachable
    /// part of each queue, and checks that loading all of it gives the same result.
    fn change(&mut self, totals: &BTreeMap<String, u32>, given: &BTreeMap<MemberId, Option<Settings>>) -> SeatChanges {
        self.revision += 1;
        let all = self.given.values().chain(given.values().flatten());
        let all: HashMap<SettingsId, Settings> = all.map(|settings| (settings.id(), settings.clone())).collect();
        let claimant = |(id, after): (&MemberId, &Option<Settings>)| Claimant {
            member: id.clone(),
            before: self.given.get(id).map(Settings::id),
            after: after.as_ref().map(Settings::id),
            assignment: assignment("a"),
        };
        let claims: Vec<Claimant> = given.iter().map(claimant).collect();
        let claims = Claims::of(&claims, &all);
        let whole: BTreeMap<String, SeatQueue> = self.queues(totals, &claims);
        let part = whole.iter().map(|(seat, queue)| {
            let (reach, end) = (queue.reach(claims.get(seat)) as usize, claims.get(seat).map(|claims| &claims.end));
            let near = queue.pending.iter().take(reach);
            let ends = queue.pending.iter().filter(|pending| end.is_some_and(|end| end.contains(&pending.member)));
            (seat.clone(), SeatQueue { pending: near.chain(ends).cloned().collect(), ..queue.clone() })
        });
        let changes = SeatChanges::plan(&claims, &part.collect());
        assert_eq!(changes, SeatChanges::plan(&claims, &whole), "only the reachable part can change");
        self.apply(totals, given, &changes);
        changes
    }

    /// Returns the seat types whose pending seats can change.
    fn queues(&self, totals: &BTreeMap<String, u32>, claims: &Claims<'_>) -> BTreeMap<String, SeatQueue> {
        let touched = claims.seat_types().filter(|seat| totals.contains_key(*seat));
        let changed = self.totals.iter().filter(|(seat, total)| totals.get(*seat) != Some(total));
        let queue = |seat: &str| SeatQueue {
            total: totals.get(seat).copied(),
            count: self.count(seat),
            pending: self.pending.get(seat).cloned().unwrap_or_default(),
        };
        touched.chain(changed.map(|(seat, _)| seat.as_str())).map(|seat| (seat.to_owned(), queue(seat))).collect()
    }

    fn apply(
        &mut self,
        totals: &BTreeMap<String, u32>,
        given: &BTreeMap<MemberId, Option<Settings>>,
        changes: &SeatChanges,
    ) {
        let before = self.clone();
        self.totals = totals.clone();
        for (id, given) in given {
            match given {
                Some(settings) => self.given.insert(id.clone(), settings.clone()),
                None => self.given.remove(id),
            };
        }
        for (seat, queue) in &changes.queues {
            let waiting = self.pending.entry(seat.clone()).or_default();
            let gone: BTreeSet<&MemberId> = queue.granted.iter().chain(&queue.left).collect();
            let had = waiting.len();
            waiting.retain(|pending| !gone.contains(&pending.member));
            assert_eq!(waiting.len() + gone.len(), had, "only members of the queue leave it");
            waiting.extend(queue.made_pending.iter().map(|id| pending(self.revision, id)));
        }
        self.pending.retain(|_, queue| !queue.is_empty());
        let seats = ["gong", "forecast"];
        let ids: BTreeSet<&MemberId> = before.given.keys().chain(self.given.keys()).collect();
        let other = |id: &&&MemberId| {
            seats.iter().any(|seat| before.holders(seat).contains(*id) != self.holders(seat).contains(*id))
        };
        assert_eq!(changes.held_changes as usize, ids.iter().filter(other).count(), "a preview counts members");
        for seat in seats {
            self.laws(&before, seat);
        }
        for (seat, counted) in &changes.counts {
            assert_eq!(*counted, self.count(seat), "{seat}: {before:?} then {self:?}");
        }
    }

    /// Checks the invariants: a member with a pending seat claims it. If a seat is pending, all seats are used, and
    /// more than all only after a lower total.
    fn laws(&self, before: &Self, seat: &str) {
        let (used, waiting, total) = (self.holders(seat).len(), self.queue(seat), self.totals.get(seat));
        assert!(waiting.iter().all(|id| self.claimants(seat).contains(id)), "{seat}: {self:?}");
        assert!(waiting.is_empty() || total.is_some_and(|total| used >= *total as usize), "{seat}: {self:?}");
        let more = total.is_some_and(|total| used > *total as usize);
        assert!(!more || self.holders(seat).is_subset(&before.holders(seat)), "{seat}: {before:?} then {self:?}");
    }
}

/// Returns a seat that is pending since a write. All writes have the same time: their revisions give the order.
fn pending(revision: i64, id: &MemberId) -> PendingSeat {
    PendingSeat { since: at(0), revision, member: id.clone() }
}

/// Returns the state of `gong` as `total: holders | pending`, with `*` for unlimited.
fn shown(ledger: &SeatLedger) -> String {
    let total = ledger.totals.get("gong").map_or("*".to_owned(), u32::to_string);
    let holders: Vec<String> = ledger.holders("gong").into_iter().map(MemberId::to_string).collect();
    let waiting: Vec<String> = ledger.queue("gong").into_iter().map(MemberId::to_string).collect();
    let line = format!("{total}: {} | {}", holders.join(" "), waiting.join(" "));
    line.replace(":  |", ": |").trim_end().to_owned()
}

/// Parses the state of a line.
fn ledger(line: &str) -> SeatLedger {
    let (total, members) = line.split_once(':').unwrap_or_else(|| panic!("{line} has no total"));
    let (holders, waiting) = members.split_once('|').unwrap_or_else(|| panic!("{line} has no queue"));
    let mut ledger = SeatLedger { revision: 100, ..SeatLedger::default() };
    ledger.totals.extend(total.parse().ok().map(|total| ("gong".to_owned(), total)));
    for id in holders.split_whitespace().chain(waiting.split_whitespace()) {
        ledger.given.insert(member(id), seats(&["gong"]));
    }
    let queue = (1..).zip(waiting.split_whitespace()).map(|(revision, id)| pending(revision, &member(id)));
    ledger.pending.insert("gong".to_owned(), queue.collect());
    ledger
}

/// The claims that begin (`+a`) and end (`-a`) in one transaction, and a new total (`=3`, `=*`).
fn make(ledger: &mut SeatLedger, change: &str) {
    let (mut totals, mut given) = (ledger.totals.clone(), BTreeMap::new());
    for word in change.split_whitespace() {
        match (word.split_at(1), word.parse::<i32>()) {
            (("+", id), _) => drop(given.insert(member(id), Some(seats(&["gong"])))),
            (("-", id), _) => drop(given.insert(member(id), None)),
            (("=", "*"), _) => drop(totals.remove("gong")),
            (("=", total), _) => drop(totals.insert("gong".to_owned(), total.parse().unwrap_or_default())),
            _ => panic!("{word} is no change"),
        }
    }
    ledger.change(&totals, &given);
}

#[test]
fn the_oldest_pending_seat_gets_the_next_free_seat() {
    let cases = [
        ("there is room", "2: a |", "+b", "2: a b |"),
        ("all are used", "1: a |", "+b", "1: a | b"),
        ("of new claimants the first by id", "2: x |", "+d +c +b", "2: b x | c d"),
        ("there are none", "0: |", "+a", "0: | a"),
        ("a new one is behind who waits", "1: x | c", "+b", "1: x | c b"),
        ("a seat is freed", "1: a | z b", "-a", "1: z | b"),
        ("several are", "2: a b | z y x", "-a -b", "2: y z | x"),
        ("a freed one goes to who waits, not to who is new", "1: a | z", "-a +b", "1: z | b"),
        ("what is left is for who is new", "2: a b | z", "-a -b +d +c", "2: c z | d"),
        ("freed without pending seats", "2: a b |", "-a", "2: b |"),
        ("who waits leaves", "1: a | z y", "-z", "1: a | y"),
        ("who holds one and who waits leave", "1: a | z y x", "-a -z", "1: y | x"),
        ("all members leave", "1: a | z y", "-a -z -y", "1: |"),
        ("a lower total takes none away", "3: a b c |", "=1", "1: a b c |"),
        ("nothing is granted before fewer are used", "3: a b c | z", "=2", "2: a b c | z"),
        ("nor when one of too many is freed", "1: a b c | z", "-a", "1: b c | z"),
        ("but when fewer are used", "1: a b | z", "-a -b", "1: z |"),
        ("who is new waits while too many are used", "1: a b |", "+c", "1: a b | c"),
        ("a higher total grants", "1: a | z y x", "=3", "3: a y z | x"),
        ("and may grant all", "1: a | z y", "=9", "9: a y z |"),
        ("without a total every claim is held", "1: a | z y", "=*", "*: a y z |"),
        ("a first total makes no seat pending", "*: a b c |", "=1", "1: a b c |"),
        ("a raise and a claim at once", "1: a | z", "=2 +b", "2: a z | b"),
        ("no limit", "*: a |", "+b +c -a", "*: b c |"),
    ];
    for (name, before, change, expected) in cases {
        let mut ledger = ledger(before);
        assert_eq!(shown(&ledger), before, "{name}");
        make(&mut ledger, change);
        assert_eq!(shown(&ledger), expected, "{name}");
    }
}

#[test]
fn pending_seats_of_one_write_are_ordered_by_id() {
    let mut ledger = ledger("1: a |");
    make(&mut ledger, "+d +c");
    make(&mut ledger, "+b");
    make(&mut ledger, "-a");
    assert_eq!(shown(&ledger), "1: c | d b");
}

#[test]
fn a_returning_member_makes_a_new_claim() {
    let mut ledger = ledger("2: a b | c");
    make(&mut ledger, "-a");
    make(&mut ledger, "+a");
    assert_eq!(shown(&ledger), "2: b c | a");
    make(&mut ledger, "+d");
    make(&mut ledger, "-a");
    make(&mut ledger, "+a");
    assert_eq!(shown(&ledger), "2: b c | d a");
}

#[test]
fn a_continued_claim_keeps_its_seat_or_its_position() {
    let mut ledger = ledger("1: a | z y");
    let more = Some(seats(&["gong", "forecast"]));
    let given = ["a", "z"].map(|id| (member(id), more.clone())).into();
    let changes = ledger.change(&ledger.totals.clone(), &given);
    assert_eq!((changes.queues.len(), changes.held_changes), (0, 2));
    assert_eq!(shown(&ledger), "1: a | z y");
}

/// The holders and the queue of a seat, updated step by step, independently of the rules under test.
#[derive(Clone, Debug, Default)]
struct NaiveSeats {
    holders: BTreeSet<MemberId>,
    queue: Vec<MemberId>,
}

impl NaiveSeats {
    fn has_room(&self, total: Option<u32>) -> bool {
        total.is_none_or(|total| self.holders.len() < total as usize)
    }

    fn change(&mut self, total: Option<u32>, end: &[&MemberId], begin: &[&MemberId]) {
        for id in end {
            self.holders.remove(*id);
            self.queue.retain(|waiting| waiting != *id);
        }
        while self.has_room(total) && !self.queue.is_empty() {
            self.holders.insert(self.queue.remove(0));
        }
        for id in begin.iter().copied().cloned() {
            if self.has_room(total) {
                self.holders.insert(id);
            } else {
                self.queue.push(id);
            }
        }
    }
}

const SEATS: [&str; 2] = ["gong", "forecast"];

/// One transaction: new totals, and members who get other seats or become inactive.
type Step = (Option<[Option<u32>; 2]>, BTreeMap<MemberId, Option<Settings>>);

fn step() -> impl Strategy<Value = Step> {
    let total = || prop::option::weighted(0.8, 0..6_u32);
    let given = prop::option::weighted(0.7, prop::sample::subsequence(&SEATS[..], 0..=2).prop_map(|ids| seats(&ids)));
    let members = prop::collection::btree_map((0..9_u8).prop_map(|id| member(&format!("m{id}"))), given, 0..6);
    (prop::option::weighted(0.3, [total(), total()]), members)
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn seats_are_as_if_they_were_given_one_by_one(steps in prop::collection::vec(step(), 0..40)) {
        let mut ledger = SeatLedger::default();
        let mut naive = SEATS.map(|_| NaiveSeats::default());
        for (totals, given) in steps {
            let mut now = ledger.totals.clone();
            if let Some(totals) = totals {
                now = SEATS.iter().zip(totals).filter_map(|(seat, total)| Some(((*seat).to_owned(), total?))).collect();
            }
            for (seat, naive) in SEATS.iter().zip(&mut naive) {
                let claimed = |id: &MemberId| ledger.given.get(id).is_some_and(|given| given.seats.contains(*seat));
                let claims = |given: &Option<Settings>| given.as_ref().is_some_and(|given| given.seats.contains(*seat));
                let end: Vec<_> = given.iter().filter(|(id, g)| claimed(id) && !claims(g)).map(|(id, _)| id).collect();
                let begin: Vec<_> = given.iter().filter(|(id, g)| !claimed(id) && claims(g)).map(|(id, _)| id).collect();
                naive.change(now.get(*seat).copied(), &end, &begin);
            }
            ledger.change(&now, &given);
            for (seat, naive) in SEATS.iter().zip(&naive) {
                prop_assert_eq!(ledger.holders(seat), naive.holders.iter().collect());
                prop_assert_eq!(ledger.queue(seat), naive.queue.iter().collect::<Vec<_>>());
            }
        }
    }
}
