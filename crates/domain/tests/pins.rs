//! Moving members pins them, releasing removes the pin, and deleting an assignment with members or pins (product.md
//! 5).

mod support;

use rollcall_domain::{
    Phase, Plan, Refusal,
    assignments::AssignmentEdit,
    directory::SyncMode,
    email_export::{EmailExport, Setting},
    plan::Pins,
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, Rows, assignment,
    groups, member,
};

/// The assignments `sales` (automatic, group s), `special` (manual, group x) and `late` (automatic, s). `m1` is in
/// `sales`.
fn org() -> Org {
    Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("sales", AUTOMATIC, &["s"]).seats(&["gong"]).chosen(EXPORT),
            AssignmentBuilder::new("special", MANUAL, &["x"]).seats(&["forecast"]).chosen(DO_NOT_EXPORT),
            AssignmentBuilder::new("late", AUTOMATIC, &["s"]).chosen(DO_NOT_EXPORT),
        ],
    )
    .with(PersonBuilder::new("m1", &["s"]))
}

#[test]
fn a_move_pins_and_gives_the_whole_bundle() {
    let cases: [(&str, Vec<&str>, EmailExport); 4] = [
        ("special", vec!["forecast"], DO_NOT_EXPORT),
        ("late", vec![], DO_NOT_EXPORT),
        ("default", vec![], DO_NOT_EXPORT),
        ("sales", vec!["gong"], EXPORT),
    ];
    for (target, seats, value) in cases {
        let mut org = org();
        let plan = org.move_members(&["m1"], target).unwrap();
        assert_eq!(plan.pinned, Some(pins(target, &["m1"])), "{target}");
        assert_eq!((org.home("m1"), org.pin("m1")), (target, Some(target)));
        assert_eq!(org.seats("m1"), seats, "{target}");
        assert_eq!(org.setting("m1").map(Setting::value), Some(value), "{target}");
    }
}

fn pins(target: &str, members: &[&str]) -> Pins {
    let members = members.iter().map(|id| member(id)).collect();
    Pins { assignment: assignment(target), members, reason: String::new() }
}

#[test]
fn a_member_already_in_the_assignment_is_only_pinned() {
    let mut org = org()
        .with(PersonBuilder::new("m2", &["x"]).seats(&["engage"]).setting(ALWAYS))
        .with(PersonBuilder::new("m3", &["x"]).inactive());
    let before = org.people.clone();
    let plan = org.move_members(&["m2", "m3"], "special").unwrap();
    let pinned = Some(pins("special", &["m2", "m3"]));
    assert_eq!(plan, Plan { pinned, ..Plan::default() });
    for id in ["m2", "m3"] {
        assert_eq!(org.person(id).held, before[&member(id)].held, "{id}");
    }
}

#[test]
fn a_move_to_an_unknown_assignment_is_refused() {
    let mut org = org();
    let refused = Err(Refusal::AssignmentNotFound(assignment("nowhere")));
    assert_eq!(org.move_members(&["m1"], "nowhere"), refused);
    assert_eq!((org.home("m1"), org.pin("m1")), ("sales", None));
}

#[test]
fn a_pin_outranks_the_order_the_mode_and_the_next_sync() {
    type Change = fn(&mut Org);
    let changes: [(&str, Change); 7] = [
        ("a group in the IdP", |org| {
            org.sync(SyncMode::Delta, Rows::new().joins("m1", "x").0).unwrap();
        }),
        ("no group in the IdP", |org| {
            org.sync(SyncMode::Delta, Rows::new().leaves("m1", "s").0).unwrap();
        }),
        ("a full sync", |org| {
            org.sync(SyncMode::Full, Rows::new().person("m1").0).unwrap();
        }),
        ("away and back", |org| {
            org.sync(SyncMode::Delta, Rows::new().inactive_person("m1").0).unwrap();
            org.sync(SyncMode::Delta, Rows::new().person("m1").0).unwrap();
        }),
        ("the order", |org| {
            org.move_to("sales", 3).unwrap();
            org.move_to("special", 1).unwrap();
        }),
        ("an assignment's groups", |org| {
            let edit = AssignmentEdit { groups: Some(groups(&["x", "s"])), ..AssignmentEdit::default() };
            org.update("special", &edit).unwrap();
        }),
        ("the mode", |org| {
            for mode in [MANUAL, AUTOMATIC] {
                for id in ["sales", "special", "late", "default"] {
                    let edit = AssignmentEdit { update_mode: Some(mode), ..AssignmentEdit::default() };
                    org.update(id, &edit).unwrap();
                }
            }
        }),
    ];
    for (name, change) in changes {
        for target in ["sales", "special", "late", "default"] {
            let mut org = org();
            org.move_members(&["m1"], target).unwrap();
            change(&mut org);
            assert_eq!((org.home("m1"), org.pin("m1")), (target, Some(target)), "{name}");
        }
    }
}

#[test]
fn a_later_move_replaces_the_pin() {
    let mut org = org();
    org.move_members(&["m1"], "special").unwrap();
    org.move_members(&["m1"], "default").unwrap();
    assert_eq!((org.home("m1"), org.pin("m1")), ("default", Some("default")));
}

#[test]
fn removing_the_pin_resolves_again_even_out_of_a_manual_assignment() {
    for pinned in ["special", "late", "default"] {
        let mut org = org();
        org.move_members(&["m1"], pinned).unwrap();
        let plan = org.release(&["m1"]);
        assert_eq!(plan.unpinned, [member("m1")], "{pinned}");
        assert_eq!((org.home("m1"), org.pin("m1")), ("sales", None), "{pinned}");
        assert_eq!(org.seats("m1"), ["gong"], "{pinned}");
        let since = Setting::given(EXPORT, None, org.now());
        assert_eq!(org.setting("m1"), Some(since), "a new period, from {pinned}");
    }
}

#[test]
fn a_member_who_resolves_to_the_same_assignment_only_loses_the_pin() {
    let mut org = org().with(PersonBuilder::new("m2", &["x"]).seats(&["engage"]).pinned("special"));
    let plan = org.release(&["m2"]);
    assert_eq!(plan, Plan { unpinned: vec![member("m2")], ..Plan::default() });
    assert_eq!((org.home("m2"), org.pin("m2")), ("special", None));
}

#[test]
fn a_member_without_a_pin_is_not_released_from_a_manual_assignment() {
    let mut org = org().with(PersonBuilder::new("m2", &["s"]).inside("special"));
    assert_eq!(org.release(&["m1", "m2"]), Plan::default());
    assert_eq!(org.home("m2"), "special");
}

#[test]
fn deleting_an_assignment_with_members_or_pins_requires_resolve_members() {
    /// Members and pins.
    type Counts = (u32, u32);
    let special = |id: &str| PersonBuilder::new(id, &["s"]).inside("special");
    let cases: [(&str, Vec<PersonBuilder>, Option<Counts>); 4] = [
        ("no members", vec![], None),
        ("a member", vec![special("m2")], Some((1, 0))),
        ("an inactive member", vec![special("m2").inactive()], Some((1, 0))),
        ("members and a pin", vec![special("m2"), special("m3").pinned("special")], Some((2, 1))),
    ];
    for (name, people, refused) in cases {
        let org = people.into_iter().fold(org(), Org::with);
        let mut plainly = org.clone();
        let result = plainly.delete("special", false);
        match refused {
            None => assert_eq!(plainly.order(), ["sales", "late", "default"], "{name}"),
            Some((members, pins)) => {
                let assignment = assignment("special");
                let refusal = Refusal::AssignmentHasMembers { assignment, members, pins };
                assert_eq!(result, Err(refusal), "{name}");
                assert_eq!(plainly.people, org.people, "{name}");
            }
        }
        let mut resolving = org;
        resolving.delete("special", true).unwrap();
        assert_eq!(resolving.order(), ["sales", "late", "default"], "{name}");
        for id in resolving.people.keys() {
            let id = id.as_str();
            assert_eq!((resolving.home(id), resolving.pin(id)), ("sales", None), "{name}: {id}");
            assert_eq!(resolving.seats(id), ["gong"], "{name}: {id}");
        }
    }
}

#[test]
fn deleting_keeps_other_pins() {
    let mut org =
        org().with(PersonBuilder::new("m2", &["s"]).pinned("late")).with(PersonBuilder::new("m3", &["x"]).setting(NOT));
    org.delete("special", true).unwrap();
    assert_eq!((org.home("m2"), org.pin("m2")), ("late", Some("late")));
    assert_eq!((org.home("m3"), org.pin("m3")), ("default", None));
}
