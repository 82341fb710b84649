//! Changes of the ordered list: create at a position, update, move, delete (product.md 2). The allowed settings of an
//! assignment are in `catalog.rs`.

mod support;

use rollcall_domain::{Phase, Plan, Refusal, ViolationKind, assignments::AssignmentEdit, plan::Counts};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, assignment, groups,
    organization, seats, violations,
};

/// The assignments `a`, `b` and `c`, each for the group of its name, and the default.
fn abc() -> Org {
    let listed = ["a", "b", "c"].map(|id| AssignmentBuilder::new(id, AUTOMATIC, &[id]).chosen(DO_NOT_EXPORT));
    Org::new(Phase::Migrated, listed.into())
}

fn exists(id: &str) -> Refusal {
    Refusal::AssignmentExists { organization: organization(), assignment: assignment(id) }
}

fn new() -> AssignmentBuilder {
    AssignmentBuilder::new("new", AUTOMATIC, &["b"]).chosen(EXPORT)
}

#[test]
fn an_assignment_is_created_at_its_position() {
    let cases: [(Option<u32>, Option<[&str; 5]>); 7] = [
        (None, Some(["a", "b", "c", "new", "default"])),
        (Some(1), Some(["new", "a", "b", "c", "default"])),
        (Some(2), Some(["a", "new", "b", "c", "default"])),
        (Some(4), Some(["a", "b", "c", "new", "default"])),
        (Some(0), None),
        (Some(5), None),
        (Some(u32::MAX), None),
    ];
    for (position, expected) in cases {
        let mut org = abc();
        let result = org.create(new().build(), position);
        match expected {
            Some(order) => assert_eq!(org.order(), order, "{position:?}"),
            None => {
                assert_eq!(violations(result), [ViolationKind::InvalidRequest], "{position:?}");
                assert_eq!(org.order(), abc().order(), "{position:?}");
            }
        }
    }
}

#[test]
fn an_assignment_is_moved_to_its_position() {
    let cases: [(&str, u32, Option<[&str; 4]>); 8] = [
        ("a", 3, Some(["b", "c", "a", "default"])),
        ("a", 2, Some(["b", "a", "c", "default"])),
        ("c", 1, Some(["c", "a", "b", "default"])),
        ("b", 1, Some(["b", "a", "c", "default"])),
        ("b", 2, Some(["a", "b", "c", "default"])),
        ("b", 0, None),
        ("b", 4, None),
        ("b", 5, None),
    ];
    for (id, position, expected) in cases {
        let mut org = abc();
        let result = org.move_to(id, position);
        match expected {
            Some(order) => assert_eq!(org.order(), order, "{id} to {position}"),
            None => {
                let kinds = violations(result);
                assert_eq!(kinds, [ViolationKind::InvalidRequest], "{id} to {position}");
                assert_eq!(org.order(), abc().order(), "{id} to {position}");
            }
        }
    }
}

#[test]
fn the_default_cannot_be_moved_or_deleted_or_created_and_has_no_groups() {
    type Change = fn(&mut Org) -> Result<Plan, Refusal>;
    let changes: [(&str, Change); 5] = [
        ("moved", |org| org.move_to("default", 1)),
        ("moved to where it is", |org| org.move_to("default", 4)),
        ("deleted", |org| org.delete("default", false)),
        ("deleted with its members", |org| org.delete("default", true)),
        ("given groups", |org| {
            let edit = AssignmentEdit { groups: Some(groups(&["a"])), ..AssignmentEdit::default() };
            org.update("default", &edit)
        }),
    ];
    for (name, change) in changes {
        let refused = change(&mut abc());
        assert!(matches!(refused, Err(Refusal::DefaultAssignmentFixed(_))), "{name}: {refused:?}");
    }
    let again = AssignmentBuilder::new("default", AUTOMATIC, &["a"]).chosen(EXPORT);
    let refused = Err(exists("default"));
    assert_eq!(abc().create(again.build(), None), refused);
}

#[test]
fn the_default_can_be_edited() {
    let mut org = abc().with(PersonBuilder::new("m1", &[]));
    let edit = AssignmentEdit {
        display_name: Some("Everybody else".to_owned()),
        groups: Some(groups(&[])),
        update_mode: Some(AUTOMATIC),
        settings: Some(seats(&["gong"])),
        choose: Some(EXPORT),
        removes_choice: false,
    };
    org.update("default", &edit).unwrap();
    let expected = AssignmentBuilder::new("default", AUTOMATIC, &[]).seats(&["gong"]);
    let mut expected = expected.chosen(EXPORT).build();
    expected.display_name = "Everybody else".to_owned();
    assert_eq!(org.default, expected);
    assert_eq!(org.seats("m1"), ["gong"]);
}

#[test]
fn an_unknown_assignment_is_not_found_and_an_existing_id_is_refused() {
    let nowhere = || Err(Refusal::AssignmentNotFound(assignment("x")));
    assert_eq!(abc().update("x", &AssignmentEdit::default()), nowhere());
    assert_eq!(abc().move_to("x", 1), nowhere());
    assert_eq!(abc().delete("x", true), nowhere());
    assert_eq!(Org::new(Phase::Migrated, vec![]).move_to("x", 1), nowhere());
    let taken = AssignmentBuilder::new("b", AUTOMATIC, &["a"]).chosen(EXPORT).build();
    assert_eq!(abc().create(taken, None), Err(exists("b")));
}

#[test]
fn an_update_changes_only_what_it_names() {
    let before = AssignmentBuilder::new("a", MANUAL, &["a"]).seats(&["gong"]).chosen(EXPORT);
    let before = before.build();
    let org = Org::new(Phase::Migrated, vec![]);
    let cases: [(&str, AssignmentEdit); 6] = [
        ("nothing", AssignmentEdit::default()),
        ("the name", AssignmentEdit { display_name: Some("Renamed".to_owned()), ..AssignmentEdit::default() }),
        ("the groups", AssignmentEdit { groups: Some(groups(&["b"])), ..AssignmentEdit::default() }),
        ("the mode", AssignmentEdit { update_mode: Some(AUTOMATIC), ..AssignmentEdit::default() }),
        ("the settings", AssignmentEdit { settings: Some(seats(&[])), ..AssignmentEdit::default() }),
        ("the value", AssignmentEdit { choose: Some(DO_NOT_EXPORT), ..AssignmentEdit::default() }),
    ];
    for (name, edit) in cases {
        let mut org = org.clone();
        org.listed.push(before.clone());
        org.update("a", &edit).unwrap();
        let mut expected = before.clone();
        match name {
            "the name" => expected.display_name = "Renamed".to_owned(),
            "the groups" => expected.groups = groups(&["b"]),
            "the mode" => {
                // The assignment has no members, so the stored choice stands.
                expected.update_mode = AUTOMATIC;
            }
            "the settings" => expected.settings = seats(&[]),
            "the value" => expected.chosen = Some(DO_NOT_EXPORT),
            _ => {}
        }
        assert_eq!(org.assignment("a"), expected, "{name}");
    }
}

#[test]
fn creating_before_others_takes_members_from_automatic_ones_and_the_default() {
    let mut org = Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("auto", AUTOMATIC, &["a"]).chosen(EXPORT),
            AssignmentBuilder::new("manual", MANUAL, &["m"]).chosen(EXPORT),
        ],
    )
    .with(PersonBuilder::new("in-auto", &["a", "n"]))
    .with(PersonBuilder::new("in-manual", &["m", "n"]))
    .with(PersonBuilder::new("in-default", &["n"]))
    .with(PersonBuilder::new("inactive", &["n"]).inactive())
    .with(PersonBuilder::new("pinned", &["n"]).pinned("auto"))
    .with(PersonBuilder::new("other", &["a"]));
    let new = AssignmentBuilder::new("new", AUTOMATIC, &["n"]).chosen(DO_NOT_EXPORT);
    org.create(new.build(), Some(1)).unwrap();
    let expected = [
        ("in-auto", "new"),
        ("in-manual", "manual"),
        ("in-default", "new"),
        ("inactive", "new"),
        ("pinned", "auto"),
        ("other", "auto"),
    ];
    for (id, home) in expected {
        assert_eq!(org.home(id), home, "{id}");
    }
}

#[test]
fn a_plan_contains_its_writes_and_its_counts_are_its_changes() {
    let manual = AssignmentBuilder::new("manual", MANUAL, &["g"]).seats(&["gong"]).chosen(EXPORT);
    let mut org = Org::new(Phase::Migrated, vec![manual])
        .with(PersonBuilder::new("stays", &["g"]))
        .with(PersonBuilder::new("turns-off", &["g"]).setting(ALWAYS).seats(&[]))
        .with(PersonBuilder::new("leaves", &["x"]).inside("manual").setting(ALWAYS))
        .with(PersonBuilder::new("is-off", &["g"]).setting(NOT));
    let edit =
        AssignmentEdit { update_mode: Some(AUTOMATIC), choose: Some(DO_NOT_EXPORT), ..AssignmentEdit::default() };
    let plan = org.update("manual", &edit).unwrap();
    let expected = Counts { assignment_changes: 1, flips_to_export: 0, flips_to_do_not_export: 3, settings_changes: 2 };
    assert_eq!(plan.counts(), expected);
    assert_eq!(plan.saved.map(|saved| saved.assignment), Some(org.assignment("manual")));
    assert_eq!((plan.ranks, plan.removed, plan.pinned), (vec![], None, None));

    let plan = org.delete("manual", true).unwrap();
    assert_eq!((plan.saved, plan.removed), (None, Some(assignment("manual"))));
    assert_eq!(plan.ranks, [(assignment("default"), 1)]);
}
