//! Properties of random organizations under random sequences of changes, before and after the settings migration. The
//! invariants are in `laws.rs`, the sequences in `random.rs`.
//!
//! `support/changes.rs` checks for every planned change that planning with the affected members equals planning with
//! all members.

mod laws;
mod random;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use proptest::{prelude::*, test_runner::Config};
use random::{Change, ChangeSequence};
use rollcall_domain::{
    AssignmentId, MemberId, Phase,
    email_export::{Reason, Setting, Source, State},
    migration::Proof,
};
use support::{Org, at};

/// The test configuration. `PROPTEST_CASES` sets the number of cases.
fn config() -> Config {
    Config { failure_persistence: None, ..Config::default() }
}

/// Makes changes in order, and checks the invariants after each.
fn run(org: &mut Org, changes: &[Change], unresolved: &BTreeSet<AssignmentId>) {
    for change in changes {
        let before = org.clone();
        let done = change.make(org);
        laws::check(&before, org, change, done.as_ref().ok(), unresolved);
        if done.is_ok() && matches!(change, Change::Sync { .. }) {
            let again = change.make(&mut org.clone());
            assert!(again.is_ok_and(|again| again.empty), "the same sync again changes nothing");
        }
    }
}

/// Returns the answers of the check for every member and several sent times.
fn answers(org: &Org) -> Vec<(MemberId, bool, Reason, Option<rollcall_domain::Timestamp>)> {
    let sent = [None, Some(at(-1_000_000)), Some(at(0)), Some(org.now()), Some(at(1_000_000))];
    let mut answers = Vec::new();
    for id in org.people.keys() {
        for sent in sent {
            let decision = org.decide(id.as_str(), sent);
            answers.push((id.clone(), decision.export(), decision.reason, decision.export_since));
        }
    }
    answers
}

fn reading(org: &Org) -> Vec<(MemberId, Setting)> {
    org.people.iter().map(|(id, person)| (id.clone(), org.effective(person))).collect()
}

/// Migrates, and checks that no member's behaviour changes. Returns the assignments without a chosen value.
fn migrate(org: &mut Org) -> BTreeSet<AssignmentId> {
    let (before, answered) = (reading(org), answers(org));
    let plan = org.migrate();
    assert_eq!(answers(org), answered, "every member keeps the same behaviour");
    let proof = Proof::compare(&before, &reading(org));
    assert!(proof.holds() && proof.members as usize == org.people.len(), "{proof:?}");
    let carried =
        |person: &support::Person| person.held.export.is_some_and(|export| export.source == Source::Migration);
    assert!(org.people.values().all(carried), "the source is the migration");
    let unresolved = plan.outcomes.into_iter().filter(|outcome| outcome.chosen.is_none());
    let mixed = unresolved.inspect(|outcome| assert_eq!(outcome.state, State::Mixed));
    mixed.map(|outcome| outcome.assignment).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_laws_hold_after_every_change_and_the_migration_changes_nobodys_behaviour(
        change_sequence in random::change_sequence()
    ) {
        let ChangeSequence { legacy, before, after } = change_sequence;
        let mut org = random::org(Phase::Legacy);
        org.import(legacy).unwrap();
        run(&mut org, &before, &BTreeSet::new());
        let unresolved = migrate(&mut org);
        laws::standing(&org, &unresolved);
        run(&mut org, &after, &unresolved);
    }

    #[test]
    fn the_laws_hold_in_an_organization_that_was_never_legacy(
        changes in prop::collection::vec(random::change(), 0..40)
    ) {
        let mut org = random::org(Phase::Migrated);
        run(&mut org, &changes, &BTreeSet::new());
    }
}
