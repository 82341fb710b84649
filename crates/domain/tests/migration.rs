//! Migrating an organization: what becomes of each assignment, and the proof that no member's behaviour changed
//! (product.md 7.4 and 7.5).

mod support;

use rollcall_domain::{
    MemberId, Phase, UpdateMode,
    email_export::{EmailExport, Setting, State, Summary},
    migration::{LegacyMember, MigrationRecord, MigrationState, Proof, plan_migration},
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, assignment, at,
    member, since,
};

struct OutcomeCase {
    name: &'static str,
    mode: UpdateMode,
    /// Members as (active, legacy setting).
    members: &'static [(bool, Option<bool>)],
    chosen: Option<EmailExport>,
    state: State,
    action_required: bool,
}

const OUTCOMES: &[OutcomeCase] = &[
    OutcomeCase {
        name: "automatic, all export",
        mode: AUTOMATIC,
        members: &[(true, Some(true)), (true, Some(true))],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    OutcomeCase {
        name: "automatic, no old setting means not exported",
        mode: AUTOMATIC,
        members: &[(true, None), (true, Some(false))],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
    OutcomeCase {
        name: "automatic, active members differ",
        mode: AUTOMATIC,
        members: &[(true, None), (true, Some(true))],
        chosen: None,
        state: State::Mixed,
        action_required: true,
    },
    OutcomeCase {
        name: "manual, active members agree",
        mode: MANUAL,
        members: &[(true, Some(true))],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    OutcomeCase {
        name: "manual, active members differ",
        mode: MANUAL,
        members: &[(true, Some(true)), (true, Some(false))],
        chosen: None,
        state: State::Mixed,
        action_required: false,
    },
    OutcomeCase {
        name: "an inactive member who differs makes nothing mixed",
        mode: AUTOMATIC,
        members: &[(true, Some(true)), (false, None)],
        chosen: Some(EXPORT),
        state: State::Export,
        action_required: false,
    },
    OutcomeCase {
        name: "no active member",
        mode: AUTOMATIC,
        members: &[(false, Some(true))],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
    OutcomeCase {
        name: "no member",
        mode: MANUAL,
        members: &[],
        chosen: Some(DO_NOT_EXPORT),
        state: State::DoNotExport,
        action_required: false,
    },
];

#[test]
fn every_member_keeps_the_old_setting_and_each_assignment_gets_the_agreed_value() {
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
fn an_old_setting_exports_since_always() {
    let found = [Some(true), Some(false), None].map(Setting::carried_over);
    assert_eq!(found, [ALWAYS, NOT, NOT]);
}

#[test]
fn the_proof_holds_only_when_no_member_differs() {
    type Reading = Vec<(MemberId, Setting)>;
    let reading =
        |rows: &[(&str, Setting)]| -> Reading { rows.iter().map(|(id, setting)| (member(id), *setting)).collect() };
    let before = reading(&[("a", ALWAYS), ("b", NOT), ("c", ALWAYS)]);
    let cases: [(&str, Reading, u32, u32); 7] = [
        ("the same", before.clone(), 3, 0),
        ("a setting flips", reading(&[("a", ALWAYS), ("b", ALWAYS), ("c", ALWAYS)]), 3, 1),
        ("the start of a period moves", reading(&[("a", since(1)), ("b", NOT), ("c", ALWAYS)]), 3, 1),
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

#[test]
fn a_migration_ends_migrated_when_its_proof_holds_and_else_failed() {
    let members = ["a", "b"].map(|id| LegacyMember {
        id: member(id),
        active: true,
        assignment: assignment("default"),
        legacy: Some(true),
    });
    let written = |b: Setting| vec![(member("a"), ALWAYS), (member("b"), b)];
    let differs = "1 of 2 members would have behaved differently; the organization was left as it was; \
                   correct the cause, then retry its migration";
    let cases = [
        ("what was planned", written(ALWAYS), MigrationState::Migrated, 0, None),
        ("one setting differs", written(NOT), MigrationState::Failed, 1, Some(differs.to_owned())),
        ("one start differs", written(since(1)), MigrationState::Failed, 1, Some(differs.to_owned())),
    ];
    for (name, after, state, differences, failure) in cases {
        let plan = plan_migration(Vec::new(), &members);
        assert_eq!(plan.before, plan.members, "{name}");
        let record = plan.conclude(&after, at(5));
        let proof = record.proof.clone();
        assert_eq!(proof.as_ref().map(|proof| proof.differences), Some(differences), "{name}");
        assert_eq!(record, MigrationRecord { failure, proof, ..MigrationRecord::new(state, at(5)) }, "{name}");
    }
}

#[test]
fn a_failed_migration_is_recorded_at_the_time_when_it_is_marked() {
    let members = [LegacyMember { id: member("a"), active: true, assignment: assignment("default"), legacy: None }];
    let disproved = plan_migration(Vec::new(), &members).conclude(&[], at(5));
    let expected = MigrationRecord { time: at(6), ..disproved.clone() };
    assert_eq!(MigrationRecord::failed(Some(disproved), at(6)), expected);
    let internal = MigrationRecord::failed(None, at(6));
    let failure = internal.failure.clone();
    assert!(failure.as_deref().is_some_and(|failure| failure.starts_with("rows of the organization are damaged")));
    assert_eq!(internal, MigrationRecord { failure, ..MigrationRecord::new(MigrationState::Failed, at(6)) });
}
