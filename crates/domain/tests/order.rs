//! The order of the list: permutations, the etag, and the members who change assignment with the order (product.md 2,
//! 3).

mod support;

use rollcall_domain::{
    Current, Phase, Plan, Proposal, Refusal,
    assignments::{OrderMismatch, ReorderAssignments},
};
use support::{AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, Org, PersonBuilder, assignment};

/// The assignments `a`, `b`, `c` and `d`, each for the group of its name. `c` is manual.
fn abcd() -> Org {
    let listed = ["a", "b", "c", "d"].map(|id| {
        let mode = if id == "c" { MANUAL } else { AUTOMATIC };
        AssignmentBuilder::new(id, mode, &[id]).chosen(EXPORT)
    });
    Org::new(Phase::Migrated, listed.into())
}

fn mismatch(result: Result<Plan, Refusal>) -> [Vec<String>; 3] {
    let Err(Refusal::OrderSetMismatch(OrderMismatch { missing, unknown, repeated })) = result else {
        panic!("a mismatch was expected, not {result:?}");
    };
    [missing, unknown, repeated].map(|ids| ids.iter().map(ToString::to_string).collect())
}

#[test]
fn only_permutations_are_accepted() {
    for order in [["a", "b", "c", "d"], ["d", "c", "b", "a"], ["b", "d", "a", "c"]] {
        let mut org = abcd();
        let plan = org.reorder(&order).unwrap();
        assert_eq!(org.order(), [&order[..], &["default"]].concat());
        assert_eq!((plan.saved, plan.members), (None, vec![]), "no member moves");
    }
    let cases: [(&[&str], [&[&str]; 3]); 7] = [
        (&[], [&["a", "b", "c", "d"], &[], &[]]),
        (&["d", "b"], [&["a", "c"], &[], &[]]),
        (&["a", "b", "c", "d", "x"], [&[], &["x"], &[]]),
        (&["a", "b", "c", "d", "default"], [&[], &["default"], &[]]),
        (&["a", "b", "c", "d", "a", "a"], [&[], &[], &["a"]]),
        (&["a", "b", "b", "c"], [&["d"], &[], &["b"]]),
        (&["x", "x", "c", "c"], [&["a", "b", "d"], &["x"], &["c", "x"]]),
    ];
    for (order, expected) in cases {
        let mut org = abcd();
        assert_eq!(mismatch(org.reorder(order)), expected, "{order:?}");
        assert_eq!(org.order(), abcd().order(), "{order:?}");
    }
}

#[test]
fn a_mismatch_names_the_violations_and_the_remedy() {
    let refusal = abcd().reorder(&["x", "default", "c", "c"]).unwrap_err();
    let message = "the order is not one of all listed assignments: `a`, `b`, `d` missing; `default`, `x` unknown (the \
                   default one is always last); `c` there more than once; list them, and name each one once";
    assert_eq!(refusal.to_string(), message);
    let metadata = [("missing", "a,b,d"), ("unknown", "default,x"), ("repeated", "c")];
    assert_eq!(refusal.metadata(), metadata.map(|(key, value)| (key, value.to_owned())));
}

#[test]
fn a_large_mismatch_fits_into_an_error() {
    let many: Vec<String> = (0..500).map(|number| format!("a{number:03}")).collect();
    let listed = many.iter().map(|id| AssignmentBuilder::new(id, AUTOMATIC, &["g"]).chosen(EXPORT)).collect();
    let refusal = Org::new(Phase::Migrated, listed).reorder(&["a007"]).unwrap_err();
    let missing = &refusal.metadata()[0].1;
    assert!(missing.starts_with("a000,a001,") && refusal.to_string().len() < 1000, "{refusal}");
}

#[test]
fn the_etag_changes_only_with_the_order() {
    let etag = |org: &Org| org.list().order_etag();
    let mut org = abcd();
    let first = etag(&org);
    assert_eq!((first.len(), etag(&abcd())), (16, first.clone()));
    assert_ne!(etag(&Org::new(Phase::Migrated, vec![])), first);
    org.reorder(&["b", "a", "c", "d"]).unwrap();
    assert_ne!(etag(&org), first);
    org.move_to("a", 1).unwrap();
    org.listed[0].display_name = "Other".to_owned();
    assert_eq!(etag(&org), first);
    org.delete("d", false).unwrap();
    assert_ne!(etag(&org), first);
}

#[test]
fn members_of_an_overtaken_assignment_move_unless_pinned_or_manual() {
    let mut org = abcd()
        .with(PersonBuilder::new("ab", &["a", "b"]))
        .with(PersonBuilder::new("adb", &["a", "b", "d"]))
        .with(PersonBuilder::new("a", &["a"]))
        .with(PersonBuilder::new("bd", &["b", "d"]).inactive())
        .with(PersonBuilder::new("cd", &["c", "d"]))
        .with(PersonBuilder::new("pinned", &["a", "d"]).pinned("a"))
        .with(PersonBuilder::new("none", &[]));
    let plan = org.reorder(&["d", "b", "a", "c"]).unwrap();
    let moved: Vec<_> = plan.members.iter().map(|change| change.member.as_str()).collect();
    assert_eq!(moved, ["ab", "adb", "bd"], "no other member, and no member twice");
    let homes = [("ab", "b"), ("adb", "d"), ("a", "a"), ("bd", "d"), ("cd", "c"), ("pinned", "a"), ("none", "default")];
    for (id, home) in homes {
        assert_eq!(org.home(id), home, "{id}");
    }
}

#[test]
fn only_members_who_can_move_are_loaded() {
    let org = abcd()
        .with(PersonBuilder::new("ab", &["a", "b"]))
        .with(PersonBuilder::new("ad", &["a", "d"]))
        .with(PersonBuilder::new("b", &["b"]))
        .with(PersonBuilder::new("cd", &["c", "d"]));
    let loaded = |order: &[&str]| {
        let order: Vec<_> = order.iter().map(|id| assignment(id)).collect();
        let (organization, list) = (org.organization(), org.list());
        let current = Current { organization: &organization, list: &list };
        let proposal = Proposal::ReorderAssignments(ReorderAssignments::propose(current, &order).unwrap());
        let states = org.affected(proposal.list(current), proposal.scope());
        states.iter().map(|state| state.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(loaded(&["a", "b", "c", "d"]), [] as [&str; 0]);
    assert_eq!(loaded(&["b", "a", "c", "d"]), ["ab"]);
    assert_eq!(loaded(&["d", "a", "b", "c"]), ["ad"], "a manual assignment is not left");
    assert_eq!(loaded(&["d", "c", "b", "a"]), ["ab", "ad"]);
}

#[test]
fn entering_by_a_new_order_gives_the_whole_bundle() {
    let listed = vec![
        AssignmentBuilder::new("first", AUTOMATIC, &["g"]).chosen(EXPORT).seats(&["gong"]),
        AssignmentBuilder::new("second", MANUAL, &["g"]).chosen(DO_NOT_EXPORT).seats(&["forecast"]),
    ];
    let mut org = Org::new(Phase::Migrated, listed).with(PersonBuilder::new("m", &["g"]));
    let plan = org.reorder(&["second", "first"]).unwrap();
    assert_eq!((plan.counts().flips_to_do_not_export, plan.counts().settings_changes), (1, 1));
    assert_eq!((org.home("m"), org.seats("m")), ("second", vec!["forecast"]));
}
