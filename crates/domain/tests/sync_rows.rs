//! The single rows of a sync: malformed, duplicate or contradictory rows are reported with their key and reason, and
//! count as present (product.md 6).

mod support;

use rollcall_domain::{
    GroupId, Refusal,
    directory::{Memberships, ParsedRows, RawMember, RawRows, Rejection, RowParser, SyncMode},
};
use support::{Rows, member};

struct Case {
    name: &'static str,
    rows: Rows,
    /// The ids of the accepted rows.
    taken: &'static [&'static str],
    /// The keys of the rejected rows, in any order.
    rejected: &'static [&'static str],
    /// The ids of rejected rows, which count as present.
    present: &'static [&'static str],
}

fn case(name: &'static str, rows: Rows, taken: &'static [&'static str]) -> Case {
    Case { name, rows, taken, rejected: &[], present: &[] }
}

fn keys(rejected: &[Rejection], kind: &str) -> Vec<String> {
    assert!(rejected.iter().all(|row| row.kind == kind && !row.reason.is_empty()));
    let mut keys: Vec<String> = rejected.iter().map(|row| row.key.clone()).collect();
    keys.sort_unstable();
    keys
}

fn people() -> Vec<Case> {
    let one = || Rows::new().person("a");
    let twice: &[&str] = &["a", "a"];
    vec![
        case("one row", one(), &["a"]),
        case("the same row twice", one().person("a"), &["a"]),
        case("the same address in other letters", one().person_with("a", "A@Acme.Example", Some(true)), &["a"]),
        case("two members", one().person("b"), &["a", "b"]),
        Case { rejected: twice, present: &["a"], ..case("two rows that differ", one().inactive_person("a"), &[]) },
        Case {
            rejected: &["a", "a", "a"],
            present: &["a"],
            ..case("three rows, one differs", one().inactive_person("a").person("a"), &[])
        },
        Case {
            rejected: twice,
            present: &["a"],
            ..case("a good row and a bad one", one().person_with("a", "", Some(true)), &[])
        },
        Case {
            rejected: twice,
            present: &["a"],
            ..case(
                "a bad row and a good one",
                Rows::new().person_with("a", "", Some(true)).person("a").person("b"),
                &["b"],
            )
        },
        Case {
            rejected: twice,
            present: &["a"],
            ..case("after another member", Rows::new().person("b").person("a").inactive_person("a"), &["b"])
        },
        Case {
            rejected: &["a"],
            present: &["a"],
            ..case("no status", Rows::new().person_with("a", "a@acme.example", None), &[])
        },
        Case {
            rejected: &[""],
            ..case("no id", Rows::new().person_with("", "a@acme.example", Some(true)).person("b"), &["b"])
        },
    ]
}

#[test]
fn a_member_is_accepted_if_its_rows_agree() {
    for case in people() {
        let checked = ParsedRows::parse(SyncMode::Delta, case.rows.0).unwrap();
        let taken: Vec<&str> = checked.members.iter().map(|(id, ..)| id.as_str()).collect();
        assert_eq!(taken, case.taken, "{}", case.name);
        assert_eq!(keys(&checked.rejected, "member"), case.rejected, "{}", case.name);
        let present = case.present.iter().map(|id| member(id)).collect();
        assert_eq!(checked.rejected_members, present, "{}", case.name);
    }
}

#[test]
fn a_group_is_accepted_if_its_rows_agree() {
    let one = || Rows::new().group_named("g", "G");
    let cases = [
        case("one row", one(), &["g"]),
        case("the same row twice", one().group_named("g", "G"), &["g"]),
        Case { rejected: &["g", "g"], present: &["g"], ..case("two names", one().group_named("g", "H"), &[]) },
        Case {
            rejected: &["g", "g"],
            present: &["g"],
            ..case("a good row and a bad one", one().group_named("g", "a\nb").group("h"), &["h"])
        },
        Case {
            rejected: &["g", "g"],
            present: &["g"],
            ..case("a bad row and a good one", Rows::new().group_named("g", "a\nb").group_named("g", "G"), &[])
        },
        Case { rejected: &["\t"], ..case("a bad id", Rows::new().group("\t"), &[]) },
    ];
    for case in cases {
        let checked = ParsedRows::parse(SyncMode::Delta, case.rows.0).unwrap();
        let taken: Vec<&str> = checked.groups.keys().map(GroupId::as_str).collect();
        assert_eq!(taken, case.taken, "{}", case.name);
        assert_eq!(keys(&checked.rejected, "group"), case.rejected, "{}", case.name);
        let present = case.present.iter().map(|id| GroupId::trusted(*id)).collect();
        assert_eq!(checked.rejected_groups, present, "{}", case.name);
    }
}

#[test]
fn a_membership_is_added_or_removed_and_not_both() {
    let cases = [
        case("added", Rows::new().joins("a", "g").joins("a", "g"), &["+a"]),
        case("removed", Rows::new().leaves("a", "g"), &["-a"]),
        Case {
            rejected: &["g/a"],
            ..case("both", Rows::new().joins("a", "g").leaves("a", "g").joins("b", "g"), &["+b"])
        },
        Case { rejected: &["g/"], ..case("no member", Rows::new().joins("", "g"), &[]) },
        Case { rejected: &["/a"], ..case("no group", Rows::new().leaves("a", ""), &[]) },
    ];
    for case in cases {
        let checked = ParsedRows::parse(SyncMode::Delta, case.rows.0).unwrap();
        let pairs = |rows: &Memberships, sign: &str| -> Vec<String> {
            rows.iter().flat_map(|(member, groups)| groups.iter().map(move |_| format!("{sign}{member}"))).collect()
        };
        let taken = [pairs(&checked.memberships, "+"), pairs(&checked.removed, "-")].concat();
        assert_eq!(taken, case.taken, "{}", case.name);
        assert_eq!(keys(&checked.rejected, "membership"), case.rejected, "{}", case.name);
    }
}

#[test]
fn identity_fields_are_validated() {
    type Change = fn(&mut RawMember);
    let cases: [(&str, Change, bool); 7] = [
        ("as it is", |_| {}, true),
        ("a manager", |row| row.manager_email = "boss@acme.example".to_owned(), true),
        ("a manager with a long address", |row| row.manager_email = "x".repeat(255), false),
        ("a name of 200 characters", |row| row.given_name = "ä".repeat(200), true),
        ("a name of 201 characters", |row| row.given_name = "ä".repeat(201), false),
        ("a name of two lines", |row| row.family_name = "a\nb".to_owned(), false),
        ("a title of two lines", |row| row.job_title = "a\rb".to_owned(), false),
    ];
    for (name, change, fits) in cases {
        let mut rows = Rows::new().person("a").0;
        rows.members.iter_mut().for_each(change);
        assert_eq!(ParsedRows::parse(SyncMode::Delta, rows).unwrap().rejected.is_empty(), fits, "{name}");
    }
}

#[test]
fn a_group_without_a_name_has_its_id_as_name() {
    let checked = ParsedRows::parse(SyncMode::Delta, Rows::new().group_named("g1", "").0).unwrap();
    assert_eq!(checked.groups.into_values().collect::<Vec<_>>(), ["g1"]);
    assert!(ParsedRows::parse(SyncMode::Full, RawRows::default()).unwrap().rejected.is_empty());
}

#[test]
fn only_a_delta_sync_removes_memberships_by_row() {
    let rows = Rows::new().group("g").person("a").leaves("a", "g").0;
    assert!(ParsedRows::parse(SyncMode::Delta, rows.clone()).is_ok());
    let Err(Refusal::Invalid(found)) = ParsedRows::parse(SyncMode::Full, rows) else { panic!("it is refused") };
    assert_eq!(found.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), ["removed_memberships"]);
}

/// Divides rows into parts of one row.
fn parts(rows: RawRows) -> Vec<RawRows> {
    let members = rows.members.into_iter().map(|row| RawRows { members: vec![row], ..RawRows::default() });
    let groups = rows.groups.into_iter().map(|row| RawRows { groups: vec![row], ..RawRows::default() });
    let added = rows.memberships.into_iter().map(|row| RawRows { memberships: vec![row], ..RawRows::default() });
    let removed = rows.removed.into_iter().map(|row| RawRows { removed: vec![row], ..RawRows::default() });
    removed.chain(added).chain(groups).chain(members).collect()
}

#[test]
fn rows_in_parts_are_checked_as_in_one_piece() {
    let all =
        Rows::new().person("x").joins("x", "g").joins("y", "g").leaves("x", "g").joins("", "g").group_named("g", "G");
    let all = all.group_named("g", "H").group("h").joins("x", "h").leaves("y", "h");
    for case in people().into_iter().chain([case("rows of every kind", all, &[])]) {
        let whole = ParsedRows::parse(SyncMode::Delta, case.rows.0.clone()).unwrap();
        let mut parser = RowParser::new(SyncMode::Delta);
        parts(case.rows.0).into_iter().for_each(|part| parser.add(part));
        let divided = parser.finish().unwrap();
        assert_eq!(divided.members, whole.members, "{}", case.name);
        assert_eq!(divided.groups, whole.groups, "{}", case.name);
        assert_eq!((&divided.memberships, &divided.removed), (&whole.memberships, &whole.removed), "{}", case.name);
        let rejected = |rows: &ParsedRows| (rows.rejected_members.clone(), rows.rejected_groups.clone());
        assert_eq!(rejected(&divided), rejected(&whole), "{}", case.name);
        let reasons = |rows: ParsedRows| {
            let mut reasons: Vec<_> = rows.rejected.into_iter().map(|row| (row.kind, row.key, row.reason)).collect();
            reasons.sort_unstable();
            reasons
        };
        assert_eq!(reasons(divided), reasons(whole), "{}", case.name);
    }
}
