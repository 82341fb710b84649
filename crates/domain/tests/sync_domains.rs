//! The addresses that a sync accepts in an organization with email domains (product.md 6).

mod support;

use rollcall_domain::{Phase, directory::SyncMode};
use support::{Org, PersonBuilder, Rows, email, member};

/// `in` has an address in a domain of the organization, `out` has a foreign one. Both are active.
fn org(domains: &[&str]) -> Org {
    let people = ["in", "out"].map(|id| PersonBuilder::new(id, &[]));
    let mut org = people.into_iter().fold(Org::new(Phase::Migrated, vec![]), Org::with);
    org.people.entry(member("out")).and_modify(|person| person.identity.email = email("out@else.example"));
    org.email_domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
    org
}

#[test]
fn an_address_must_have_exactly_one_of_the_domains() {
    let acme: &[&str] = &["acme.example", "acme.org"];
    let cases: [(&[&str], &str, bool); 8] = [
        (&[], "n@anywhere.example", true),
        (acme, "n@acme.example", true),
        (acme, "N@ACME.Org", true),
        (acme, "n@else.example", false),
        (acme, "n@eu.acme.example", false),
        (acme, "n@notacme.example", false),
        (acme, "acme.example@else.example", false),
        (&["acme.example", "eu.acme.example"], "n@eu.acme.example", true),
    ];
    for (domains, address, fits) in cases {
        let mut org = org(domains);
        let sync = org.sync(SyncMode::Delta, Rows::new().person_with("n", address, Some(true)).0).unwrap();
        assert_eq!(org.people.contains_key(&member("n")), fits, "{address}");
        let found: Vec<(&str, &str)> = sync.directory.rejected.iter().map(|row| (row.kind, row.key.as_str())).collect();
        assert_eq!(found, if fits { vec![] } else { vec![("member", "n")] }, "{address}");
        assert!(
            sync.directory.rejected.iter().all(|row| row.reason.ends_with(&domains.join(", "))),
            "{:?}",
            sync.directory.rejected
        );
    }
}

#[test]
fn a_member_with_a_foreign_address_stays_unchanged_and_may_become_inactive() {
    let row = |active| Rows::new().person("in").person_with("out", "out@else.example", Some(active)).0;
    let mut org = org(&["acme.example"]);
    let sync = org.sync(SyncMode::Full, row(true)).unwrap();
    assert_eq!((sync.is_empty(), sync.directory.rejected.len()), (true, 1));
    assert!(org.person("out").active, "a rejected row counts as present");

    // No other member gets an address that its holder keeps for this reason.
    let moves = Rows::new().person_with("out", "new@else.example", Some(true));
    let moves = moves.person_with("in", "out@else.example", Some(true));
    let sync = org.sync(SyncMode::Delta, moves.0).unwrap();
    let keys: Vec<&str> = sync.directory.rejected.iter().map(|row| row.key.as_str()).collect();
    assert_eq!((keys, sync.is_empty()), (vec!["in", "out"], true));

    let sync = org.sync(SyncMode::Full, row(false)).unwrap();
    assert_eq!((sync.directory.rejected.len(), sync.directory.counts.members_deactivated), (0, 1));
}
