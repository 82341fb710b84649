//! Importing old settings: which rows are accepted, and which member each row binds to (product.md 7.3).

mod support;

use std::collections::HashMap;

use rollcall_domain::{
    Email, Phase, Refusal,
    directory::SyncMode,
    migration::{AddressHolder, ImportContext, ImportPlan, LegacyRow, check_legacy_rows, plan_import},
};
use support::{Org, PersonBuilder, Rows, email, member, organization};

fn row(email: &str, export: bool) -> LegacyRow {
    LegacyRow { email: email.to_owned(), export: Some(export) }
}

fn plan(
    phase: Phase,
    rows: Vec<LegacyRow>,
    holders: &HashMap<Email, AddressHolder>,
    unmatched: &HashMap<Email, bool>,
) -> Result<ImportPlan, Refusal> {
    let organization = organization();
    let context = ImportContext { organization: &organization, phase, holders, unmatched };
    plan_import(&check_legacy_rows(rows), &context)
}

#[test]
fn rows_that_contradict_each_other_are_all_rejected_and_listed() {
    type Settings = &'static [(&'static str, bool)];
    type Case = (&'static str, Vec<LegacyRow>, Settings, u32, Vec<&'static str>);
    let without_value = LegacyRow { email: "a@x.example".to_owned(), export: None };
    let cases: [Case; 7] = [
        ("one row", vec![row("A@X.example", true)], &[("a@x.example", true)], 0, vec![]),
        ("repeated", vec![row("a@x.example", true), row("A@x.example", true)], &[("a@x.example", true)], 1, vec![]),
        (
            "contradicted",
            vec![row("a@x.example", true), row("A@x.example", false)],
            &[],
            0,
            vec!["a@x.example", "A@x.example"],
        ),
        (
            "two of three contradict",
            vec![
                row("a@x.example", true),
                row("a@x.example", true),
                row("a@x.example", false),
                row("b@x.example", false),
            ],
            &[("b@x.example", false)],
            0,
            vec!["a@x.example"; 3],
        ),
        ("no address", vec![row("a", true)], &[], 0, vec!["a"]),
        ("no value", vec![without_value], &[], 0, vec!["a@x.example"]),
        ("nothing", vec![], &[], 0, vec![]),
    ];
    for (name, rows, settings, duplicates, rejected) in cases {
        let accepted = check_legacy_rows(rows);
        let found: Vec<(&str, bool)> =
            accepted.settings.iter().map(|(email, export)| (email.as_str(), *export)).collect();
        assert_eq!(found, settings, "{name}");
        assert_eq!(accepted.duplicates, duplicates, "{name}");
        let repeated = if duplicates > 0 { vec![email("a@x.example")] } else { Vec::new() };
        assert_eq!(accepted.duplicate_emails, repeated, "{name}");
        let keys: Vec<&str> = accepted.rejected.iter().map(|row| row.key.as_str()).collect();
        assert_eq!(keys, rejected, "{name}");
        assert!(accepted.rejected.iter().all(|row| row.kind == "legacy_setting"), "{name}");
    }
}

#[test]
fn a_row_binds_to_the_member_who_holds_its_address_and_else_waits() {
    type Case = (&'static str, Option<Option<bool>>, Option<bool>, bool);
    // The old setting of the address holder, if there is one; the setting that waits; whether anything changes.
    let cases: [Case; 6] = [
        ("held, nothing bound before", Some(None), None, true),
        ("held, the same bound before", Some(Some(true)), None, false),
        ("held, the other value bound before", Some(Some(false)), None, true),
        ("held, waited before", Some(Some(true)), Some(true), true),
        ("not held, the same waits", None, Some(true), false),
        ("not held, nothing waits", None, None, true),
    ];
    for (name, holder, waits, changes) in cases {
        let holder = holder.map(|legacy| (email("a@x.example"), AddressHolder { member: member("m1"), legacy }));
        let holders: HashMap<_, _> = holder.into_iter().collect();
        let unmatched = waits.into_iter().map(|export| (email("a@x.example"), export)).collect();
        let plan = plan(Phase::Legacy, vec![row("a@x.example", true)], &holders, &unmatched).unwrap();
        assert_eq!(plan.changes, changes, "{name}");
        if holders.is_empty() {
            assert_eq!(plan.unmatched, [(email("a@x.example"), true)], "{name}");
            assert_eq!((plan.bound, plan.newly_matched), (vec![], vec![]), "{name}");
        } else {
            assert_eq!(plan.bound, [(member("m1"), true)], "{name}");
            let waited: Vec<_> = waits.map(|_| email("a@x.example")).into_iter().collect();
            assert_eq!((plan.newly_matched, plan.unmatched), (waited, vec![]), "{name}");
        }
    }
}

#[test]
fn an_import_is_refused_once_the_organization_is_migrated() {
    let empty = (HashMap::new(), HashMap::new());
    for rows in [vec![], vec![row("a@x.example", true)]] {
        let planned = plan(Phase::Migrated, rows, &empty.0, &empty.1);
        assert_eq!(planned, Err(Refusal::EmailExportAlreadyMigrated(organization())));
    }
}

#[test]
fn an_old_setting_follows_the_member_and_not_the_address() {
    let mut org = Org::new(Phase::Legacy, vec![]).with(PersonBuilder::new("m1", &[]));
    org.import(vec![row("M1@acme.example", true)]).unwrap();
    let rows = Rows::new().person_with("m1", "new@acme.example", Some(true));
    let rows = rows.person_with("m2", "m1@acme.example", Some(true));
    org.sync(SyncMode::Delta, rows.0).unwrap();
    assert_eq!((org.person("m1").legacy, org.person("m2").legacy), (Some(true), None));

    org.import(vec![row("new@acme.example", false)]).unwrap();
    assert_eq!(org.person("m1").legacy, Some(false), "a re-import replaces");
}

#[test]
fn a_waiting_row_binds_to_the_first_member_synced_with_its_address() {
    let cases: [(&str, Phase, Rows, &[&str]); 6] = [
        ("a new member", Phase::Legacy, Rows::new().person_with("n", "W@x.example", Some(true)), &["n"]),
        ("an inactive member", Phase::Legacy, Rows::new().person_with("n", "w@x.example", Some(false)), &["n"]),
        (
            "the active member of two",
            Phase::Legacy,
            Rows::new().person_with("a", "w@x.example", Some(false)).person_with("b", "w@x.example", Some(true)),
            &["b"],
        ),
        ("a known member", Phase::Legacy, Rows::new().person_with("m1", "w@x.example", Some(true)), &["m1"]),
        (
            "a member with an old setting keeps it",
            Phase::Legacy,
            Rows::new().person_with("m2", "w@x.example", Some(true)),
            &[],
        ),
        ("not after the migration", Phase::Migrated, { Rows::new().person_with("n", "w@x.example", Some(true)) }, &[]),
    ];
    for (name, phase, rows, expected) in cases {
        let mut org = Org::new(phase, vec![])
            .with(PersonBuilder::new("m1", &[]))
            .with(PersonBuilder::new("m2", &[]).legacy(false));
        org.unmatched.insert(email("w@x.example"), true);
        let sync = org.sync(SyncMode::Delta, rows.0).unwrap();
        let bound: Vec<&str> = sync.directory.bindings.iter().map(|(id, ..)| id.as_str()).collect();
        assert_eq!(bound, expected, "{name}");
        assert_eq!(org.unmatched.is_empty(), !expected.is_empty(), "{name}: nothing is dropped");
        assert_eq!(org.person("m2").legacy, Some(false), "{name}");
    }
}
