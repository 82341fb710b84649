//! A snapshot that is changed step by step gives the same answers as one that is built anew.

use std::collections::BTreeMap;

use rollcall_domain::{
    AssignmentId, Email,
    email_export::{MemberExport, Setting, Since, Source, find_holder},
};

use super::*;

/// What the organization has: members, and the holdings of each address.
#[derive(Clone, Default)]
struct Truth {
    members: BTreeMap<String, CheckSubject>,
    holdings: BTreeMap<String, Vec<StoredHolding>>,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

fn time(second: i64) -> Timestamp {
    Timestamp::from_timestamp_micros(second * 1_000_000).unwrap()
}

fn version(revision: i64) -> Version {
    Version { revision, written_at: time(revision), is_filled: true }
}

fn member(dice: &mut Dice, id: &str, revision: i64) -> CheckSubject {
    let setting = match dice.below(4) {
        0 => None,
        1 => Some(Setting::DoNotExport),
        2 => Some(Setting::Export(Since::Always)),
        _ => Some(Setting::Export(Since::At(time(revision)))),
    };
    let source = [Source::Assignment, Source::EditedByHand, Source::Migration][usize::try_from(dice.below(3)).unwrap()];
    CheckSubject {
        member: MemberId::trusted(id),
        active: dice.below(4) > 0,
        assignment: AssignmentId::trusted(format!("a{}", dice.below(5))),
        export: setting.map(|setting| MemberExport { setting, source }),
        legacy: [None, Some(false), Some(true)][usize::try_from(dice.below(3)).unwrap()],
    }
}

impl Truth {
    fn build(&self, key: DigestKey, revision: i64) -> Snapshot {
        let mut builder = SnapshotBuilder::new(key, version(revision), Phase::Migrated);
        self.members.values().for_each(|member| builder.add_member(member));
        let mut builder = builder.with_members();
        self.holdings.values().flatten().for_each(|holding| builder.add(holding));
        builder.build()
    }

    /// Changes some members and addresses, and returns what a refresh would read.
    fn change(&mut self, dice: &mut Dice, members: u64, revision: i64) -> Delta {
        let mut delta = Delta {
            version: version(revision),
            phase: Phase::Migrated,
            members: Vec::new(),
            removed: Vec::new(),
            addresses: Vec::new(),
        };
        for _ in 0..=dice.below(6) {
            let id = format!("m{}", dice.below(members));
            let held = self.holdings.values().flatten().any(|holding| holding.member_id == id);
            if dice.below(8) == 0 && !held {
                self.members.remove(&id);
                delta.members.retain(|member| member.member.as_str() != id);
                delta.removed.push(MemberId::trusted(id));
                continue;
            }
            let subject = member(dice, &id, revision);
            delta.removed.retain(|member| member.as_str() != id);
            delta.members.push(subject.clone());
            self.members.insert(id.clone(), subject);
            let email = format!("e{}@x.example", dice.below(members));
            let holding = StoredHolding {
                email: email.clone(),
                revision,
                member_id: id,
                begins_at: time(revision),
                is_exact: dice.below(5) > 0,
            };
            self.holdings.entry(email.clone()).or_default().push(holding);
            delta.addresses.retain(|(other, _)| *other != email);
            delta.addresses.push((email.clone(), self.holdings[&email].clone()));
        }
        delta
    }

    /// Compares every answer with the rules of the domain on the truth.
    fn check(&self, snapshot: &Snapshot, members: u64, revision: i64) {
        let times = [None, Some(time(0)), Some(time(revision - 1)), Some(time(revision)), Some(time(revision + 1))];
        for number in 0..=members {
            for sent in times {
                let id = format!("m{number}");
                let found = snapshot.decide(&SubjectKey::Member(MemberId::trusted(id.as_str())), sent);
                assert_eq!(owned(found), decide(Phase::Migrated, self.members.get(&id).cloned(), sent), "{id}");
                let email = format!("e{number}@x.example");
                let found = snapshot.decide(&SubjectKey::Email(Email::trusted(email.as_str())), sent);
                let history: Vec<Holding<&str>> =
                    self.holdings.get(&email).into_iter().flatten().map(to_holding).collect();
                let holder = find_holder(&history, sent).and_then(|id| self.members.get(*id)).cloned();
                assert_eq!(owned(found), decide(Phase::Migrated, holder, sent), "{email} {sent:?}");
            }
        }
    }
}

fn to_holding(holding: &StoredHolding) -> Holding<&str> {
    Holding { member: &holding.member_id, begins: holding.begins_at, is_exact: holding.is_exact }
}

fn owned(decision: Decision<&str>) -> Decision {
    let Decision { member, reason, source, export_since, assignment } = decision;
    Decision { member: member.map(MemberId::trusted), reason, source, export_since, assignment }
}

#[test]
fn a_changed_snapshot_answers_as_one_that_is_built_anew() {
    for (seed, members) in [(1, 5), (2, 400), (3, 1_000)] {
        let (key, mut dice, mut truth) = (DigestKey::random(), Dice(seed), Truth::default());
        for _ in 0..members / 20 {
            truth.change(&mut dice, members, 1);
        }
        let mut snapshot = truth.build(key, 1);
        truth.check(&snapshot, members, 1);
        for revision in 2..20 {
            let (before, old) = (snapshot.clone(), truth.clone());
            let delta = truth.change(&mut dice, members, revision);
            snapshot = snapshot.apply(&delta).unwrap();
            truth.check(&snapshot, members, revision);
            // The snapshot before keeps its answers.
            old.check(&before, members, revision - 1);
            assert_eq!(snapshot.revision(), revision);
        }
        truth.check(&truth.build(key, 20), members, 20);
    }
}

#[test]
fn a_change_of_ten_members_shares_the_others() {
    let (key, mut dice, mut truth) = (DigestKey::random(), Dice(7), Truth::default());
    for number in 0..100_000 {
        let id = format!("m{number}");
        truth.members.insert(id.clone(), member(&mut dice, &id, 1));
    }
    let before = truth.build(key, 1);
    let mut delta = Delta {
        version: version(2),
        phase: Phase::Migrated,
        members: Vec::new(),
        removed: Vec::new(),
        addresses: Vec::new(),
    };
    for number in 0..10 {
        delta.members.push(member(&mut dice, &format!("m{}", number * 9_999), 2));
    }
    let after = before.apply(&delta).unwrap();
    let shared = |chunk| std::ptr::eq(before.members.get(chunk).unwrap(), after.members.get(chunk).unwrap());
    let copied = (0..before.members.len()).filter(|chunk| !shared(*chunk)).count();
    assert!((1..=10).contains(&copied), "{copied} of {} chunks were copied", before.members.len());
}

#[test]
fn an_unknown_holder_or_many_new_members_need_another_load() {
    let (key, truth) = (DigestKey::random(), Truth::default());
    let snapshot = truth.build(key, 1);
    let delta = |count: u32, holder: &str| {
        let mut dice = Dice(1);
        let holding = StoredHolding {
            email: "e@x.example".to_owned(),
            revision: 2,
            member_id: holder.to_owned(),
            begins_at: time(2),
            is_exact: true,
        };
        Delta {
            version: version(2),
            phase: Phase::Migrated,
            members: (0..count).map(|number| member(&mut dice, &format!("m{number}"), 2)).collect(),
            removed: Vec::new(),
            addresses: vec![("e@x.example".to_owned(), vec![holding])],
        }
    };
    assert!(snapshot.apply(&delta(10, "m1")).is_some());
    assert!(snapshot.apply(&delta(10, "stranger")).is_none());
    assert!(snapshot.apply(&delta(1_000, "m1")).is_none());
}
