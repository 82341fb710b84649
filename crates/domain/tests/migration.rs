//! The settings migration: the members that legacy rows bind to, the result for each assignment, and the proof that
//! no member's behaviour changed (product.md 7).

mod support;

use std::collections::HashMap;

use rollcall_domain::{
    MemberId, Phase, UpdateMode,
    directory::Mode,
    email_export::{EmailExport, Setting, State, Summary},
    migration::{Holder, LegacyRow, Proof, check_rows, plan_import},
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, Rows, email, member,
    since,
};

fn row(email: &str, export: bool) -> LegacyRow {
    LegacyRow { email: email.to_owned(), export: Some(export) }
}

#[test]
fn contradictory_rows_are_all_rejected_and_listed() {
    type AcceptedSettings = &'static [(&'static str, bool)];
    type Case = (&'static str, Vec<LegacyRow>, AcceptedSettings, u32, Vec<&'static str>);
    let silent = LegacyRow { email: "a@x".to_owned(), export: None };
    let cases: [Case; 7] = [
        ("one row", vec![row("A@X", true)], &[("a@x", true)], 0, vec![]),
        ("said twice", vec![row("a@x", true), row("A@x", true)], &[("a@x", true)], 1, vec![]),
        ("contradicted", vec![row("a@x", true), row("A@x", false)], &[], 0, vec!["a@x", "A@x"]),
        (
            "two of three contradict",
            vec![row("a@x", true), row("a@x", true), row("a@x", false), row("b@x", false)],
            &[("b@x", false)],
            0,
            vec!["a@x"; 3],
        ),
        ("no address", vec![row("a", true)], &[], 0, vec!["a"]),
        ("no value", vec![silent], &[], 0, vec!["a@x"]),
        ("nothing", vec![], &[], 0, vec![]),
    ];
    for (name, rows, settings, duplicates, rejected) in cases {
        let checked = check_rows(rows);
        let said: Vec<(&str, bool)> =
            checked.settings.iter().map(|(email, export)| (email.as_str(), *export)).collect();
        assert_eq!(said, settings, "{name}");
        assert_eq!(checked.duplicates, duplicates, "{name}");
        let twice = if duplicates > 0 { vec![email("a@x")] } else { Vec::new() };
        assert_eq!(checked.duplicate_emails, twice, "{name}");
        let keys: Vec<&str> = checked.rejected.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, rejected, "{name}");
        assert!(checked.rejected.iter().all(|row| row.kind == "legacy_setting"), "{name}");
    }
}

#[test]
fn a_row_binds_to_the_holder_of_the_address_or_stays_unmatched() {
    type Case = (&'static str, Option<Option<bool>>, Option<bool>, bool);
    // The holder of the address with the legacy setting, the unmatched row, and the expected change.
    let cases: [Case; 6] = [
        ("held, nothing bound before", Some(None), None, true),
        ("held, said the same before", Some(Some(true)), None, false),
        ("held, said otherwise before", Some(Some(false)), None, true),
        ("held now, waited before", Some(Some(true)), Some(true), true),
        ("waits still", None, Some(true), false),
        ("waits from now on", None, None, true),
    ];
    for (name, holder, waits, changes) in cases {
        let holder = holder.map(|legacy| (email("a@x"), Holder { member: member("m1"), legacy }));
        let holders: HashMap<_, _> = holder.into_iter().collect();
        let waiting = waits.into_iter().map(|export| (email("a@x"), export)).collect();
        let plan = plan_import(&check_rows(vec![row("a@x", true)]), &holders, &waiting);
        assert_eq!(plan.changes, changes, "{name}");
        if holders.is_empty() {
            assert_eq!(plan.unmatched, [(email("a@x"), true)], "{name}");
            assert_eq!((plan.bound, plan.no_longer_waiting), (vec![], vec![]), "{name}");
        } else {
            assert_eq!(plan.bound, [(member("m1"), true)], "{name}");
            let waited: Vec<_> = waits.map(|_| email("a@x")).into_iter().collect();
            assert_eq!((plan.no_longer_waiting, plan.unmatched), (waited, vec![]), "{name}");
        }
    }
}

#[test]
fn a_legacy_setting_follows_the_member_and_not_the_address() {
    let mut org = Org::new(Phase::Legacy, vec![]).with(PersonBuilder::new("m1", &[]));
    org.import(vec![row("m1@acme.example", true)]);
    let rows = Rows::new().person_with("m1", "new@acme.example", Some(true));
    let rows = rows.person_with("m2", "m1@acme.example", Some(true));
    org.sync(Mode::Delta, rows.0).unwrap();
    assert_eq!((org.person("m1").legacy, org.person("m2").legacy), (Some(true), None));

    org.import(vec![row("new@acme.example", false)]);
    assert_eq!(org.person("m1").legacy, Some(false), "a re-import replaces");
}

#[test]
fn an_unmatched_row_binds_to_the_first_member_synced_with_its_address() {
    let cases: [(&str, Phase, Rows, &[&str]); 6] = [
        ("a new member", Phase::Legacy, Rows::new().person_with("n", "W@x", Some(true)), &["n"]),
        ("an inactive one", Phase::Legacy, Rows::new().person_with("n", "w@x", Some(false)), &["n"]),
        (
            "the active one of two",
            Phase::Legacy,
            Rows::new().person_with("a", "w@x", Some(false)).person_with("b", "w@x", Some(true)),
            &["b"],
        ),
        ("a known member", Phase::Legacy, Rows::new().person_with("m1", "w@x", Some(true)), &["m1"]),
        ("who has one keeps it", Phase::Legacy, Rows::new().person_with("m2", "w@x", Some(true)), &[]),
        ("not after the migration", Phase::Migrated, { Rows::new().person_with("n", "w@x", Some(true)) }, &[]),
    ];
    for (name, phase, rows, expected) in cases {
        let mut org = Org::new(phase, vec![])
            .with(PersonBuilder::new("m1", &[]))
            .with(PersonBuilder::new("m2", &[]).legacy(false));
        org.waiting.insert(email("w@x"), true);
        let sync = org.sync(Mode::Delta, rows.0).unwrap();
        let bound: Vec<&str> = sync.bindings.iter().map(|(id, ..)| id.as_str()).collect();
        assert_eq!(bound, expected, "{name}");
        assert_eq!(org.waiting.is_empty(), !expected.is_empty(), "{name}: nothing is dropped");
        assert_eq!(org.person("m2").legacy, Some(false), "{name}");
    }
}

struct Outcome {
    name: &'static str,
    mode: UpdateMode,
    /// Members as (active, legacy setting).
    members: &'static [(bool, Option<bool>)],
    chosen: Option<EmailExport>,
    state: State,
    action_required: bool,
}

const OUTCOMES: &[Outcome] = &[
    Outcome {
        name: "automatic, all export",
        mode: AUTOMATIC,
        members: &[(true, Some(true)), (true, Some(true))],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    Outcome {
        name: "automatic, no row means not",
        mode: AUTOMATIC,
        members: &[(true, None), (true, Some(false))],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
    Outcome {
        name: "automatic, they differ",
        mode: AUTOMATIC,
        members: &[(true, None), (true, Some(true))],
        chosen: None,
        state: State::Mixed,
        action_required: true,
    },
    Outcome {
        name: "manual, they agree",
        mode: MANUAL,
        members: &[(true, Some(true))],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    Outcome {
        name: "manual, they differ",
        mode: MANUAL,
        members: &[(true, Some(true)), (true, Some(false))],
        chosen: None,
        state: State::Mixed,
        action_required: false,
    },
    Outcome {
        name: "an inactive one who differs makes nothing mixed",
        mode: AUTOMATIC,
        members: &[(true, Some(true)), (false, None)],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    Outcome {
        name: "no active member",
        mode: AUTOMATIC,
        members: &[(false, Some(true))],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
    Outcome {
        name: "no members",
        mode: MANUAL,
        members: &[],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
];

#[test]
fn every_legacy_setting_is_carried_over_and_each_assignment_gets_the_agreed_value() {
    for case in OUTCOMES {
        for subject in ["subject", "default"] {
            let own: &[&str] = if subject == "subject" { &["s"] } else { &[] };
            let listed = AssignmentBuilder::new("subject", case.mode, &["s"]);
            let mut org = Org::new(Phase::Legacy, vec![listed]).with_default(|default| default.update_mode = case.mode);
            for (index, (active, legacy)) in case.members.iter().enumerate() {
                let person = PersonBuilder::new(&format!("m{index}"), own);
                let person = if *active { person } else { person.inactive() };
                org = org.with(legacy.iter().copied().fold(person, PersonBuilder::legacy));
            }
            let plan = org.migrate();
            let settings: Vec<Setting> = plan.members.iter().map(|(_, setting)| *setting).collect();
            let expected = case.members.iter().map(|(_, legacy)| Setting::carried_over(*legacy));
            assert_eq!(settings, expected.collect::<Vec<_>>(), "{}: {subject}", case.name);
            assert_eq!(plan.outcomes.len(), 2, "{}: {subject}", case.name);
            let outcome = plan.outcomes.iter().find(|o| o.assignment.as_str() == subject).unwrap();
            let found = (outcome.chosen, outcome.state, outcome.action_required);
            let expected = (case.chosen, case.state, case.action_required);
            assert_eq!(found, expected, "{}: {subject}", case.name);
            let summary = Summary::count(
                case.members.iter().map(|(active, legacy)| (*active, Some(Setting::carried_over(*legacy).value()))),
            );
            assert_eq!(outcome.summary, summary, "{}: {subject}", case.name);
        }
    }
}

#[test]
fn a_carried_over_setting_starts_at_always() {
    let found = [Some(true), Some(false), None].map(Setting::carried_over);
    assert_eq!(found, [ALWAYS, NOT, NOT]);
}

#[test]
fn the_proof_holds_only_if_no_member_differs() {
    type Reading = Vec<(MemberId, Setting)>;
    let reading =
        |rows: &[(&str, Setting)]| -> Reading { rows.iter().map(|(id, setting)| (member(id), *setting)).collect() };
    let before = reading(&[("a", ALWAYS), ("b", NOT), ("c", ALWAYS)]);
    let cases: [(&str, Reading, u32, u32); 7] = [
        ("the same", before.clone(), 3, 0),
        ("a setting flips", reading(&[("a", ALWAYS), ("b", ALWAYS), ("c", ALWAYS)]), 3, 1),
        ("a start moves", reading(&[("a", since(1)), ("b", NOT), ("c", ALWAYS)]), 3, 1),
        ("a member is lost", reading(&[("a", ALWAYS), ("c", ALWAYS)]), 3, 1),
        ("the last is lost", reading(&[("a", ALWAYS), ("b", NOT)]), 3, 1),
        ("a member appears", reading(&[("a", ALWAYS), ("aa", NOT), ("b", NOT), ("c", ALWAYS)]), 4, 1),
        ("all members are lost", vec![], 3, 3),
    ];
    for (name, after, members, differences) in cases {
        let proof = Proof::compare(&before, &after);
        assert_eq!((proof.members, proof.differences), (members, differences), "{name}");
        assert_eq!(proof.holds(), differences == 0, "{name}");
        assert_eq!(proof.digest_before == proof.digest_after, differences == 0, "{name}");
        assert_eq!(Proof::compare(&after, &before).differences, differences, "{name}, reversed");
    }
    let empty = Proof::compare(&[], &[]);
    assert!(empty.holds() && empty.members == 0);
}
