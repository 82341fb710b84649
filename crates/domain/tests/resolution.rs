//! The resolution of members, and its explanation (product.md 2, 3, 5, 9).

mod support;

use rollcall_domain::{
    Assignment, AssignmentList, MemberState, Phase, UpdateMode,
    directory::SyncMode,
    email_export::EmailExport,
    explain::{Verdict, explain},
    ids::DEFAULT_ASSIGNMENT,
    resolution::{Why, resolve},
};
use support::{AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, Org, PersonBuilder, assignment, groups};

/// The assignments `first` (automatic, a), `second` (manual, b), `third` (automatic, a and b), and the default.
fn list() -> AssignmentList {
    let listed = vec![
        AssignmentBuilder::new("first", AUTOMATIC, &["a"]).build(),
        AssignmentBuilder::new("second", MANUAL, &["b"]).build(),
        AssignmentBuilder::new("third", AUTOMATIC, &["a", "b"]).build(),
    ];
    AssignmentList::new(listed, Assignment::new_default(Phase::Migrated))
}

struct Case {
    name: &'static str,
    groups: &'static [&'static str],
    current: Option<&'static str>,
    pin: Option<&'static str>,
    expected: (&'static str, Why),
}

/// A member of the list above, in the input of the planner.
fn state(list: &AssignmentList, case: &Case) -> MemberState {
    let person = PersonBuilder::new("m1", case.groups).inside(case.current.unwrap_or("default"));
    let listed = ["first", "second", "third"].map(|id| list.find(&assignment(id)).cloned());
    let mut org = Org::new(Phase::Migrated, Vec::new());
    org.listed = listed.into_iter().flatten().collect();
    let mut states = org.with(person).states(list, |_, _| true);
    let mut member = states.remove(0);
    member.pin = case.pin.map(assignment);
    member.held = member.held.filter(|_| case.current.is_some());
    member
}

const NEW: Case =
    Case { name: "", groups: &[], current: None, pin: None, expected: (DEFAULT_ASSIGNMENT, Why::NoOtherMatches) };

const CASES: &[Case] = &[
    Case { name: "no group leads to the default", ..NEW },
    Case { name: "a group that no assignment has leads to the default", groups: &["z"], ..NEW },
    Case { name: "the only match wins", groups: &["b"], expected: ("second", Why::FirstMatch), ..NEW },
    Case { name: "the earlier of two matches wins", groups: &["a", "b"], expected: ("first", Why::FirstMatch), ..NEW },
    Case {
        name: "one group in two assignments: the first wins",
        groups: &["a"],
        expected: ("first", Why::FirstMatch),
        ..NEW
    },
    Case {
        name: "an automatic assignment makes no member stay",
        groups: &["a"],
        current: Some("third"),
        expected: ("first", Why::FirstMatch),
        ..NEW
    },
    Case {
        name: "a manual assignment holds who matches an earlier one",
        groups: &["a"],
        current: Some("second"),
        expected: ("second", Why::StaysInManual),
        ..NEW
    },
    Case {
        name: "a manual assignment holds who matches nothing",
        current: Some("second"),
        expected: ("second", Why::StaysInManual),
        ..NEW
    },
    Case {
        name: "the default makes no member stay although it is manual",
        groups: &["b"],
        current: Some("default"),
        expected: ("second", Why::FirstMatch),
        ..NEW
    },
    Case {
        name: "a deleted assignment makes no member stay",
        groups: &["a"],
        current: Some("default"),
        pin: Some("gone"),
        expected: ("first", Why::FirstMatch),
    },
    Case {
        name: "a pin outranks the order",
        groups: &["a"],
        current: Some("third"),
        pin: Some("third"),
        expected: ("third", Why::Pinned),
    },
    Case {
        name: "a pin outranks the mode",
        groups: &["b"],
        current: Some("second"),
        pin: Some("third"),
        expected: ("third", Why::Pinned),
    },
    Case {
        name: "a pin to the default is a pin",
        groups: &["a"],
        current: Some("default"),
        pin: Some("default"),
        expected: ("default", Why::Pinned),
    },
];

#[test]
fn pin_mode_and_order_resolve_a_member() {
    let list = list();
    for case in CASES {
        let (found, why) = resolve(&list, &state(&list, case));
        assert_eq!((found.id.as_str(), why), case.expected, "{}", case.name);
    }
}

#[test]
fn earlier_assignment_wins_when_both_match_and_gives_its_whole_bundle() {
    let mut org = Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("first", AUTOMATIC, &["a"]).seats(&["gong"]).chosen(EXPORT),
            AssignmentBuilder::new("second", AUTOMATIC, &["b"]).seats(&["forecast"]).chosen(DO_NOT_EXPORT),
        ],
    );
    org = org.with(PersonBuilder::new("m1", &["b"]));
    let rows = support::Rows::new().joins("m1", "a").0;
    assert!(org.sync(SyncMode::Delta, rows).is_ok());
    assert_eq!((org.home("m1"), org.seats("m1")), ("first", vec!["gong"]));
    assert_eq!(org.setting("m1").map(|setting| setting.value()), Some(EXPORT));
}

#[test]
fn the_default_assignment_starts_as_section_2_specifies() {
    let cases: [(Phase, Option<EmailExport>); 2] = [(Phase::Migrated, Some(DO_NOT_EXPORT)), (Phase::Legacy, None)];
    for (phase, chosen) in cases {
        let default = Assignment::new_default(phase);
        let expected = Assignment {
            id: assignment("default"),
            display_name: "Default".to_owned(),
            groups: groups(&[]),
            update_mode: UpdateMode::ManualEditing,
            settings: support::seats(&[]),
            chosen,
        };
        assert_eq!(default, expected, "{phase:?}");
        assert!(!default.holds_members());
    }
}

#[test]
fn ranks_are_dense_and_the_default_is_last() {
    let list = list();
    let ranks: Vec<(u32, &str)> = list.ranked().map(|(rank, a)| (rank, a.id.as_str())).collect();
    assert_eq!(ranks, [(1, "first"), (2, "second"), (3, "third"), (4, "default")]);
    for (rank, id) in ranks {
        assert_eq!(list.at(rank).id.as_str(), id);
        assert_eq!(list.rank(&assignment(id)), Some(rank));
    }
    let first_ranks = list.first_ranks();
    let rank_of = |group: &str| groups(&[group]).first().and_then(|g| first_ranks.get(g).copied());
    assert_eq!([rank_of("a"), rank_of("b"), rank_of("z")], [Some(1), Some(2), None]);
}

#[test]
fn every_assignment_is_explained_in_order() {
    use Verdict::{ComesLater, HeldElsewhere, NoSharedGroup, PinnedElsewhere, Wins};
    let a: &[&str] = &["a"];
    let (b, both): (&[&str], &[&str]) = (&["b"], &["a", "b"]);
    let cases: [(&str, Case, [Verdict; 4]); 8] = [
        (
            "first match",
            Case { groups: a, current: Some("first"), ..NEW },
            [Wins(Why::FirstMatch), NoSharedGroup, ComesLater, ComesLater],
        ),
        (
            "no match",
            Case { current: Some("default"), ..NEW },
            [NoSharedGroup, NoSharedGroup, NoSharedGroup, Wins(Why::NoOtherMatches)],
        ),
        (
            "pinned to a later one",
            Case { groups: a, current: Some("third"), pin: Some("third"), ..NEW },
            [PinnedElsewhere, NoSharedGroup, Wins(Why::Pinned), ComesLater],
        ),
        (
            "held by a manual one",
            Case { groups: a, current: Some("second"), ..NEW },
            [HeldElsewhere, Wins(Why::StaysInManual), ComesLater, ComesLater],
        ),
        (
            "held by a manual one, and nothing else matches",
            Case { current: Some("second"), ..NEW },
            [NoSharedGroup, Wins(Why::StaysInManual), NoSharedGroup, HeldElsewhere],
        ),
        (
            "in a manual one that is the first match, too",
            Case { groups: b, current: Some("second"), ..NEW },
            [NoSharedGroup, Wins(Why::FirstMatch), ComesLater, ComesLater],
        ),
        (
            "held by a manual one that matches, but not first",
            Case { groups: both, current: Some("second"), ..NEW },
            [HeldElsewhere, Wins(Why::StaysInManual), ComesLater, ComesLater],
        ),
        (
            "pinned to a manual one that is the first match, too",
            Case { groups: b, current: Some("second"), pin: Some("second"), ..NEW },
            [NoSharedGroup, Wins(Why::Pinned), ComesLater, ComesLater],
        ),
    ];
    let list = list();
    for (name, case, expected) in cases {
        let explained = explain(&list, &state(&list, &case), &groups(case.groups));
        let verdicts: Vec<Verdict> = explained.iter().map(|e| e.verdict).collect();
        assert_eq!(verdicts, expected, "{name}");
        let ranks: Vec<u32> = explained.iter().map(|e| e.rank).collect();
        assert_eq!(ranks, [1, 2, 3, 4], "{name}");
        let shared: Vec<usize> = explained.iter().map(|e| e.shared.len()).collect();
        let (in_a, in_b) = (usize::from(case.groups.contains(&"a")), usize::from(case.groups.contains(&"b")));
        assert_eq!(shared, [in_a, in_b, in_a + in_b, 0], "{name}");
    }
}
