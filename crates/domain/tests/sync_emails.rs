//! The holder of an address: unique among active members, whatever the order of the rows. The member who has it keeps
//! it, or else the first row gets it (product.md 1, 6).

mod support;

use rollcall_domain::{Phase, directory::SyncMode};
use support::{Org, PersonBuilder, Rows, email, member};

use SyncMode::{Delta, Full};

/// A member: id, address, and whether active.
type Who = (&'static str, &'static str, bool);

struct Case {
    name: &'static str,
    mode: SyncMode,
    stored: &'static [Who],
    rows: &'static [Who],
    expected: &'static [Who],
    /// The members whose row is rejected, and the holder of the address.
    rejected: &'static [(&'static str, &'static str)],
}

const CASES: &[Case] = &[
    Case {
        name: "an active member keeps the address",
        mode: Delta,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", true)],
        expected: &[("a", "x@x.example", true)],
        rejected: &[("b", "a")],
    },
    Case {
        name: "an inactive member yields it",
        mode: Delta,
        stored: &[("a", "x@x.example", false)],
        rows: &[("b", "X@x.example", true)],
        expected: &[("a", "x@x.example", false), ("b", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "who becomes inactive in the same sync yields it",
        mode: Delta,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", true), ("a", "x@x.example", false)],
        expected: &[("a", "x@x.example", false), ("b", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "who is absent from a full sync yields it",
        mode: Full,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", true)],
        expected: &[("a", "x@x.example", false), ("b", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "who takes another address yields it",
        mode: Delta,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", true), ("a", "y@x.example", true)],
        expected: &[("a", "y@x.example", true), ("b", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "two members swap",
        mode: Delta,
        stored: &[("a", "x@x.example", true), ("b", "y@x.example", true)],
        rows: &[("a", "y@x.example", true), ("b", "x@x.example", true)],
        expected: &[("a", "y@x.example", true), ("b", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "three members pass theirs on in a circle",
        mode: Full,
        stored: &[("a", "x@x.example", true), ("b", "y@x.example", true), ("c", "z@x.example", true)],
        rows: &[("a", "y@x.example", true), ("b", "z@x.example", true), ("c", "x@x.example", true)],
        expected: &[("a", "y@x.example", true), ("b", "z@x.example", true), ("c", "x@x.example", true)],
        rejected: &[],
    },
    Case {
        name: "a circle that one row breaks stays as it was",
        mode: Delta,
        stored: &[("a", "x@x.example", true), ("b", "y@x.example", true), ("c", "z@x.example", true)],
        rows: &[("a", "y@x.example", true), ("b", "z@x.example", true), ("c", "no address", true)],
        expected: &[("a", "x@x.example", true), ("b", "y@x.example", true), ("c", "z@x.example", true)],
        rejected: &[("a", "b"), ("b", "c"), ("c", "no address")],
    },
    Case {
        name: "of two new members the first row wins",
        mode: Delta,
        stored: &[],
        rows: &[("b", "x@x.example", true), ("a", "X@X.example", true)],
        expected: &[("b", "x@x.example", true)],
        rejected: &[("a", "b")],
    },
    Case {
        name: "who keeps it wins over an earlier row",
        mode: Full,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", true), ("a", "x@x.example", true)],
        expected: &[("a", "x@x.example", true)],
        rejected: &[("b", "a")],
    },
    Case {
        name: "inactive members may share one",
        mode: Delta,
        stored: &[("a", "x@x.example", true)],
        rows: &[("b", "x@x.example", false), ("c", "x@x.example", false)],
        expected: &[("a", "x@x.example", true), ("b", "x@x.example", false), ("c", "x@x.example", false)],
        rejected: &[],
    },
    Case {
        name: "no member becomes active again with the address of another active member",
        mode: Delta,
        stored: &[("a", "x@x.example", true), ("b", "x@x.example", false)],
        rows: &[("b", "x@x.example", true)],
        expected: &[("a", "x@x.example", true), ("b", "x@x.example", false)],
        rejected: &[("b", "a")],
    },
    Case {
        name: "a rejected row leaves its member with the old address, which pushes out the next",
        mode: Delta,
        stored: &[("a", "x@x.example", true), ("b", "y@x.example", true)],
        rows: &[("n", "x@x.example", true), ("a", "y@x.example", true), ("b", "y@x.example", true)],
        expected: &[("a", "x@x.example", true), ("b", "y@x.example", true)],
        rejected: &[("a", "b"), ("n", "a")],
    },
    Case {
        name: "the reason names who has the address in the end",
        mode: Delta,
        stored: &[("a", "x@x.example", true), ("b", "y@x.example", true)],
        rows: &[("n", "y@x.example", true), ("a", "y@x.example", true), ("b", "x@x.example", true)],
        expected: &[("a", "x@x.example", true), ("b", "y@x.example", true)],
        rejected: &[("a", "b"), ("b", "a"), ("n", "b")],
    },
    Case {
        name: "a bad row counts as present and keeps the address",
        mode: Full,
        stored: &[("a", "x@x.example", true)],
        rows: &[("a", "no address", true), ("b", "x@x.example", true)],
        expected: &[("a", "x@x.example", true)],
        rejected: &[("a", "no address"), ("b", "a")],
    },
];

fn org(case: &Case) -> Org {
    let mut org = Org::new(Phase::Migrated, vec![]);
    for (id, address, active) in case.stored {
        org = org.with(PersonBuilder::new(id, &[]));
        org.people.entry(member(id)).and_modify(|person| {
            person.identity.email = email(address);
            person.active = *active;
        });
    }
    org
}

fn rows(rows: &[Who]) -> Rows {
    rows.iter().fold(Rows::new(), |all, (id, address, active)| all.person_with(id, address, Some(*active)))
}

#[test]
fn an_address_belongs_to_one_active_member() {
    for case in CASES {
        let mut org = org(case);
        let sync = org.sync(case.mode, rows(case.rows).0).unwrap();
        let found: Vec<(&str, &str, bool)> =
            org.people.iter().map(|(id, p)| (id.as_str(), p.identity.email.as_str(), p.active)).collect();
        assert_eq!(found, case.expected, "{}", case.name);
        let mut rejected: Vec<&str> = sync.directory.rejected.iter().map(|row| row.key.as_str()).collect();
        rejected.sort_unstable();
        let expected: Vec<&str> = case.rejected.iter().map(|(id, _)| *id).collect();
        assert_eq!(rejected, expected, "{}", case.name);
        for (id, holder) in case.rejected {
            let row = sync.directory.rejected.iter().find(|row| row.key == *id);
            let reason = row.map_or("", |row| row.reason.as_str());
            let names = reason.ends_with(&format!("member {holder}")) || reason.contains("`no address`");
            assert!(names, "{}: {reason}", case.name);
        }
    }
}

#[test]
fn the_same_sync_again_changes_nothing() {
    for case in CASES {
        let mut org = org(case);
        org.sync(case.mode, rows(case.rows).0).unwrap();
        let again = org.sync(case.mode, rows(case.rows).0).unwrap();
        assert!(again.is_empty(), "{}: {again:?}", case.name);
    }
}

#[test]
fn a_malformed_address_is_accepted_only_from_the_member_who_has_it() {
    let mut org = ["old", "other"]
        .map(|id| PersonBuilder::new(id, &[]))
        .into_iter()
        .fold(Org::new(Phase::Migrated, vec![]), Org::with);
    org.people.entry(member("old")).and_modify(|person| {
        person.identity.email = email("old@host");
        person.identity.manager_email = Some(email("boss@host"));
    });
    let manager = |rows: Rows, address: &str| {
        let mut rows = rows.0;
        rows.members.iter_mut().for_each(|row| row.manager_email = address.to_owned());
        rows
    };
    let rejected = |org: &mut Org, rows| -> Vec<String> {
        let sync = org.sync(SyncMode::Delta, rows).unwrap();
        sync.directory.rejected.into_iter().map(|row| format!("{}: {}", row.key, row.reason)).collect()
    };
    let not_an_address =
        |id: &str, text: &str| vec![format!("{id}: `{text}` is not an email address such as name@company.example")];

    let rows = manager(Rows::new().person_with("other", "other@host", Some(true)), "");
    assert_eq!(rejected(&mut org, rows), not_an_address("other", "other@host"));
    let rows = manager(Rows::new().person_with("other", "other@acme.example", Some(true)), "boss@host");
    assert_eq!(rejected(&mut org, rows), not_an_address("other", "boss@host"));
    let rows = manager(Rows::new().person_with("old", "old@host2", Some(true)), "boss@host");
    assert_eq!(rejected(&mut org, rows), not_an_address("old", "old@host2"));
    let rows = manager(Rows::new().person_with("old", "OLD@Host", Some(false)), "Boss@host");
    assert_eq!(rejected(&mut org, rows), [""; 0]);
    assert!(!org.person("old").active);
}
