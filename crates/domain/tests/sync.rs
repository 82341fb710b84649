//! Directory sync: DELTA and FULL, absent members and groups, and rejected rows (product.md 6). Single rows are in
//! `sync_rows.rs`, addresses in `sync_emails.rs`, limits in `sync_limits.rs`.

mod support;

use rollcall_domain::{
    GroupId, MemberId, Phase, Plan,
    directory::{SyncCounts, SyncMode},
};
use support::{AUTOMATIC, AssignmentBuilder, EXPORT, MANUAL, Org, PersonBuilder, Rows, assignment, groups, seats};

/// The assignments `sales` (automatic, s), `special` (manual, x), and the default. `m1` is in sales, `m2` in special,
/// `m3` in the default.
fn org() -> Org {
    Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("sales", AUTOMATIC, &["s"]).seats(&["gong"]).chosen(EXPORT),
            AssignmentBuilder::new("special", MANUAL, &["x"]).chosen(EXPORT),
        ],
    )
    .with(PersonBuilder::new("m1", &["s"]))
    .with(PersonBuilder::new("m2", &["x"]))
    .with(PersonBuilder::new("m3", &[]))
}

/// A FULL sync of the organization above that changes nothing.
fn everything() -> Rows {
    let rows = Rows::new().group("s").group("x").person("m1").person("m2").person("m3");
    rows.joins("m1", "s").joins("m2", "x")
}

/// Returns rows as (kind, key).
type Keys = Vec<(&'static str, &'static str)>;

fn rejected(sync: &Plan) -> Vec<(&str, &str)> {
    sync.directory.rejected.iter().map(|row| (row.kind, row.key.as_str())).collect()
}

fn active(org: &Org) -> Vec<&str> {
    let active = org.people.iter().filter(|(_, person)| person.active);
    active.map(|(id, _)| id.as_str()).collect()
}

#[test]
fn a_delta_sync_changes_only_what_it_names() {
    type Case = (&'static str, Rows, fn(&mut Org));
    let cases: [Case; 7] = [
        ("nothing", Rows::new(), |_| {}),
        ("what is so already", everything(), |_| {}),
        ("a new group", Rows::new().group_named("g", "G"), |org| {
            let known = rollcall_domain::directory::KnownGroup { display_name: "G".to_owned(), present: true };
            org.groups.insert(rollcall_domain::GroupId::trusted("g"), known);
        }),
        ("a membership", Rows::new().joins("m2", "s"), |org| {
            org.people.entry(support::member("m2")).and_modify(|p| p.groups = groups(&["s", "x"]));
        }),
        ("no membership", Rows::new().leaves("m2", "x"), |org| {
            org.people.entry(support::member("m2")).and_modify(|p| p.groups = groups(&[]));
        }),
        ("a membership that is gone already", Rows::new().leaves("m3", "x"), |_| {}),
        ("someone inactive", Rows::new().inactive_person("m3"), |org| {
            org.people.entry(support::member("m3")).and_modify(|p| p.active = false);
        }),
    ];
    for (name, rows, change) in cases {
        let (mut expected, mut org) = (org(), org());
        change(&mut expected);
        let sync = org.sync(SyncMode::Delta, rows.0).unwrap();
        expected.minute = org.minute;
        assert_eq!(org, expected, "{name}");
        assert_eq!(rejected(&sync), [], "{name}");
        let same = expected == Org { minute: org.minute, ..self::org() };
        assert_eq!(sync.is_empty(), same, "{name}");
    }
}

#[test]
fn members_are_resolved_once_at_the_end() {
    let mut org = org();
    let rows = Rows::new().person("new").joins("new", "x").joins("new", "s");
    let rows = rows.joins("m3", "x").joins("m3", "s").leaves("m1", "s").joins("m1", "x");
    let sync = org.sync(SyncMode::Delta, rows.0).unwrap();
    let entered: Vec<(&str, &str)> =
        sync.members.iter().map(|change| (change.member.as_str(), change.after.assignment.as_str())).collect();
    assert_eq!(entered, [("m1", "special"), ("m3", "sales"), ("new", "sales")]);
}

#[test]
fn absent_members_become_inactive_and_absent_groups_lose_their_memberships() {
    let mut org = org();
    let rows = Rows::new().group("s").person("m2").person("m3").joins("m2", "s");
    let sync = org.sync(SyncMode::Full, rows.0).unwrap();
    assert_eq!(active(&org), ["m2", "m3"], "absent members become inactive");
    assert_eq!(org.people.len(), 3, "members are never deleted");
    let m1 = org.person("m1");
    assert_eq!((org.home("m1"), &m1.groups), ("sales", &groups(&["s"])), "they keep the rest");
    assert_eq!(org.person("m2").groups, groups(&["s"]), "absent groups lose their memberships");
    assert_eq!(org.home("m2"), "special", "manual: stays");
    let expected = SyncCounts {
        members_deactivated: 1,
        groups_changed: 1,
        memberships_added: 1,
        memberships_removed: 1,
        ..SyncCounts::default()
    };
    assert_eq!((sync.directory.counts, rejected(&sync)), (expected, vec![]));
}

#[test]
fn present_groups_have_exactly_the_given_memberships_of_present_members() {
    let mut org = org().with(PersonBuilder::new("m4", &["s"]));
    let rows = Rows::new().group("s").group("x").person("m1").person("m2").person("m3");
    let sync = org.sync(SyncMode::Full, rows.joins("m2", "x").joins("m3", "s").0).unwrap();
    let found = ["m1", "m2", "m3", "m4"].map(|id| &org.person(id).groups);
    assert_eq!(found, [&groups(&[]), &groups(&["x"]), &groups(&["s"]), &groups(&["s"])]);
    assert_eq!(["m1", "m2", "m3", "m4"].map(|id| org.home(id)), ["default", "special", "sales", "sales"]);
    assert_eq!((sync.directory.counts.memberships_added, sync.directory.counts.memberships_removed), (1, 1));
}

#[test]
fn an_absent_group_matches_again_when_it_returns() {
    let mut org = org();
    let without = Rows::new().group("x").person("m1").person("m2").person("m3").joins("m2", "x");
    org.sync(SyncMode::Full, without.0.clone()).unwrap();
    assert_eq!(org.home("m1"), "default", "absent groups lose their memberships");
    assert_eq!(org.assignment("sales").groups, groups(&["s"]), "the assignment still names it");
    org.sync(SyncMode::Full, everything().0).unwrap();
    assert_eq!((org.home("m1"), org.seats("m1")), ("sales", vec!["gong"]));
}

#[test]
fn a_group_that_returns_under_another_id_is_another_group() {
    let mut org = org();
    let again = || Rows::new().group_named("s2", "s").group("x").person("m1").person("m2").person("m3");
    let sync = org.sync(SyncMode::Full, again().joins("m1", "s2").joins("m2", "x").0).unwrap();
    let present: Vec<(&str, &str, bool)> =
        org.groups.iter().map(|(id, known)| (id.as_str(), known.display_name.as_str(), known.present)).collect();
    assert_eq!(present, [("s", "s", false), ("s2", "s", true), ("x", "x", true)]);
    assert_eq!((sync.directory.counts.groups_changed, org.home("m1")), (2, "default"));
    assert_eq!(org.assignment("sales").groups, groups(&["s"]), "the assignment names the one that is gone");
}

#[test]
fn an_absent_member_loses_memberships_of_absent_groups_only() {
    let mut org = org().with(PersonBuilder::new("m4", &["s", "x"]));
    let rows = Rows::new().group("x").person("m1").person("m2").person("m3").joins("m2", "x");
    org.sync(SyncMode::Full, rows.0).unwrap();
    assert_eq!(org.person("m4").groups, groups(&["x"]));
    assert_eq!((org.home("m4"), org.person("m4").active), ("special", false));
}

#[test]
fn a_rejected_row_counts_as_present_and_leaves_what_it_names_unchanged() {
    let bad_person = |rows: Rows| rows.person_with("m1", "no address", Some(true));
    let without_m1 = || Rows::new().group("s").group("x").person("m2").person("m3");
    let members = || without_m1().joins("m1", "s").joins("m2", "x");
    let cases: [(&str, Rows, Keys); 5] = [
        ("a bad address", bad_person(members()), vec![("member", "m1")]),
        ("no status", members().person_with("m1", "m1@acme.example", None), vec![("member", "m1")]),
        (
            "an address that someone else keeps",
            members().person_with("m1", "m2@acme.example", Some(true)),
            vec![("member", "m1")],
        ),
        ("a group named twice", everything().group_named("s", "Sales"), vec![("group", "s"), ("group", "s")]),
        (
            "a group with a bad name",
            {
                let rows = Rows::new().group("x").person("m1").person("m2").person("m3");
                rows.joins("m1", "s").joins("m2", "x").group_named("s", "a\nb")
            },
            vec![("group", "s")],
        ),
    ];
    for (name, rows, expected) in cases {
        let mut org = org();
        let sync = org.sync(SyncMode::Full, rows.0).unwrap();
        assert_eq!(rejected(&sync), expected, "{name}");
        assert!(sync.is_empty(), "{name}: {sync:?}");
        assert_eq!(org.people, self::org().people, "{name}");
    }
}

#[test]
fn a_present_group_has_the_given_memberships_even_if_its_row_is_rejected() {
    let mut org = org();
    let rows = Rows::new().group("x").person("m1").person("m2").person("m3").group_named("s", "a\nb");
    let sync = org.sync(SyncMode::Full, rows.joins("m2", "s").joins("m2", "x").0).unwrap();
    assert_eq!(rejected(&sync), [("group", "s")]);
    let pair = |id: &str| (MemberId::trusted(id), GroupId::trusted("s"));
    assert!(sync.directory.added.contains(&pair("m2")) && sync.directory.removed.contains(&pair("m1")), "{sync:?}");
}

#[test]
fn memberships_name_members_and_groups_present_after_the_sync() {
    let cases: [(&str, SyncMode, Rows, Keys); 8] = [
        ("unknown group", SyncMode::Delta, Rows::new().joins("m1", "g"), vec![("membership", "g/m1")]),
        ("unknown member", SyncMode::Delta, Rows::new().joins("u", "s"), vec![("membership", "s/u")]),
        ("of the same sync", SyncMode::Delta, Rows::new().group("g").joins("m3", "g"), vec![]),
        ("leaving an unknown group", SyncMode::Delta, Rows::new().leaves("m1", "g"), vec![("membership", "g/m1")]),
        ("group without a row", SyncMode::Full, everything().joins("m1", "g"), vec![("membership", "g/m1")]),
        ("member without a row", SyncMode::Full, everything().joins("u", "s"), vec![("membership", "s/u")]),
        (
            "a new member whose row is rejected",
            SyncMode::Full,
            everything().person_with("u", "", Some(true)).joins("u", "s"),
            vec![("member", "u"), ("membership", "s/u")],
        ),
        (
            "added and removed",
            SyncMode::Delta,
            Rows::new().joins("m1", "x").leaves("m1", "x"),
            vec![("membership", "x/m1")],
        ),
    ];
    for (name, mode, rows, expected) in cases {
        let mut org = org();
        let sync = org.sync(mode, rows.0).unwrap();
        assert_eq!(rejected(&sync), expected, "{name}");
        assert!(sync.directory.rejected.iter().all(|row| !row.reason.is_empty()), "{name}");
        assert_eq!(org.home("m1"), "sales", "{name}");
    }
}

#[test]
fn a_rejected_row_does_not_bring_back_an_absent_group() {
    let mut org = org();
    let without = Rows::new().group("x").person("m1").person("m2").person("m3").joins("m2", "x");
    org.sync(SyncMode::Full, without.0.clone()).unwrap();
    let again = Rows(without.0).group_named("s", "a\nb").joins("m1", "s");
    let sync = org.sync(SyncMode::Full, again.0).unwrap();
    assert_eq!(rejected(&sync), [("group", "s"), ("membership", "s/m1")]);
    assert_eq!((org.home("m1"), &org.person("m1").groups), ("default", &groups(&[])));
}

#[test]
fn a_sync_that_changes_nothing_writes_nothing() {
    let mut org = org();
    let sync = org.sync(SyncMode::Full, everything().0).unwrap();
    assert!(sync.is_empty());
    assert_eq!((sync.members, sync.directory.counts), (vec![], SyncCounts::default()));
}

#[test]
fn new_members_are_counted_and_inactive_ones_have_an_assignment() {
    let mut org = org();
    let rows = Rows::new().person("n1").inactive_person("n2").joins("n2", "s");
    let rows = rows.person_with("m1", "m1@new.example", Some(true)).joins("m3", "s");
    let sync = org.sync(SyncMode::Delta, rows.0).unwrap();
    assert_eq!((org.home("n1"), org.home("n2")), ("default", "sales"));
    let expected = SyncCounts {
        members_created: 2,
        members_updated: 1,
        memberships_added: 2,
        members_rehomed: 1,
        ..SyncCounts::default()
    };
    assert_eq!(sync.directory.counts, expected);
    assert_eq!(sync.counts().assignment_changes, 3, "new ones included");
}

#[test]
fn a_sync_re_homes_with_the_whole_bundle() {
    let mut org = org();
    org.sync(SyncMode::Delta, Rows::new().joins("m3", "s").0).unwrap();
    assert_eq!((org.home("m3"), org.seats("m3")), ("sales", vec!["gong"]));
    let held = &org.person("m3").held;
    assert_eq!((&held.assignment, held.settings), (&assignment("sales"), seats(&["gong"]).id()));
    assert_eq!(held.export.map(|e| e.setting.value()), Some(EXPORT));
}
