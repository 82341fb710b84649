//! The settings that assignments and members may have: the catalog, seat prerequisites and contradictory data capture
//! (product.md 1, 6, 9), and the format of names, ids and addresses.

mod support;

use rollcall_domain::{
    Assignment, AssignmentId, DataCapture, Email, GroupId, MemberId, Phase, Settings, Violation, ViolationKind,
    assignments::AssignmentEdit, catalog::Catalog, members::MemberEdit,
};
use support::{AUTOMATIC, AssignmentBuilder, EXPORT, MANUAL, Org, PersonBuilder, catalog, seats, violations};

fn capture(change: impl FnOnce(&mut DataCapture)) -> Settings {
    let mut settings = Settings::default();
    change(&mut settings.data_capture);
    settings
}

fn permission(workspace: &str, profile: &str) -> Settings {
    let permissions = [(workspace.to_owned(), profile.to_owned())].into();
    Settings { permissions, ..Settings::default() }
}

fn home(workspace: &str) -> Settings {
    Settings { home_workspace: Some(workspace.to_owned()), ..Settings::default() }
}

/// The kind and the field of a violation.
type Found = (ViolationKind, &'static str);

/// Settings, and their violations.
fn cases() -> Vec<(&'static str, Settings, Vec<Found>)> {
    use ViolationKind::{ContradictoryDataCapture, SeatPrerequisiteMissing, UnknownPermissionProfile, UnknownSeatType};
    let recording = (ContradictoryDataCapture, "data_capture.prevent_web_conference_recording");
    let emails = (ContradictoryDataCapture, "data_capture.prevent_email_import");
    vec![
        ("nothing", seats(&[]), vec![]),
        ("a seat", seats(&["gong"]), vec![]),
        ("a seat with what it requires", seats(&["engage", "gong"]), vec![]),
        ("a seat without it", seats(&["engage"]), vec![(SeatPrerequisiteMissing, "seats")]),
        ("an unknown seat", seats(&["gong", "x"]), vec![(UnknownSeatType, "seats")]),
        ("a home workspace", home("emea"), vec![]),
        ("an unknown home workspace", home("x"), vec![(UnknownPermissionProfile, "home_workspace")]),
        ("a profile", permission("emea", "rep"), vec![]),
        ("an unknown profile", permission("emea", "x"), vec![(UnknownPermissionProfile, "permissions")]),
        ("a profile of an unknown workspace", permission("x", "rep"), vec![(UnknownPermissionProfile, "permissions")]),
        (
            "recorded, and recording prevented",
            capture(|c| {
                c.web_conferences_recorded = true;
                c.prevent_web_conference_recording = true;
            }),
            vec![recording],
        ),
        (
            "emails imported, and their import prevented",
            capture(|c| {
                c.emails_imported = true;
                c.prevent_email_import = true;
            }),
            vec![emails],
        ),
        (
            "each once",
            capture(|c| {
                c.web_conferences_recorded = true;
                c.prevent_email_import = true;
                c.telephony_calls_imported = true;
                c.non_recorded_meetings_imported = true;
                c.gong_connect_enabled = true;
            }),
            vec![],
        ),
    ]
}

#[test]
fn an_assignment_is_not_saved_with_invalid_settings() {
    for (name, settings, expected) in cases() {
        let found = catalog().check(&settings);
        let found: Vec<_> = found.iter().map(|v| (v.kind, v.field.as_str())).collect();
        assert_eq!(found, expected, "{name}");

        let kinds: Vec<ViolationKind> = expected.iter().map(|(kind, _)| *kind).collect();
        let subject = AssignmentBuilder::new("subject", MANUAL, &["g"]).chosen(EXPORT);
        let new = Assignment { settings: settings.clone(), ..subject.clone().build() };
        let created = Org::new(Phase::Migrated, vec![]).create(new, None);
        let edit = AssignmentEdit { settings: Some(settings.clone()), ..AssignmentEdit::default() };
        let updated = Org::new(Phase::Migrated, vec![subject.clone()]).update("subject", &edit);
        let mut org = Org::new(Phase::Migrated, vec![subject]);
        org = org.with(PersonBuilder::new("m1", &["g"]));
        let edit = MemberEdit { settings: Some(settings), ..MemberEdit::default() };
        for (change, result) in [("created", created), ("updated", updated), ("member", org.edit_member("m1", edit))] {
            match &expected[..] {
                [] => assert!(result.is_ok(), "{name}, {change}: {result:?}"),
                _ => assert_eq!(violations(result), kinds, "{name}, {change}"),
            }
        }
    }
}

#[test]
fn all_violations_are_reported_at_once() {
    let mut new = AssignmentBuilder::new("new", AUTOMATIC, &[]).chosen(EXPORT).build();
    new.display_name = String::new();
    new.settings = seats(&["x", "engage"]);
    let result = Org::new(Phase::Migrated, vec![]).create(new, None);
    let expected = [
        ViolationKind::InvalidRequest,
        ViolationKind::InvalidRequest,
        ViolationKind::SeatPrerequisiteMissing,
        ViolationKind::UnknownSeatType,
    ];
    assert_eq!(violations(result), expected);
}

#[test]
fn saved_settings_stay_valid_when_the_catalog_changes() {
    let subject = AssignmentBuilder::new("subject", MANUAL, &["g"]).seats(&["gone"]);
    let mut org = Org::new(Phase::Migrated, vec![subject]);
    let edit = AssignmentEdit { display_name: Some("Renamed".to_owned()), ..AssignmentEdit::default() };
    assert!(org.update("subject", &edit).is_ok());
}

#[test]
fn an_assignment_needs_a_group_and_a_name() {
    let cases: [(&str, &str, &[&str], bool); 5] = [
        ("named", "Sales", &["g"], true),
        ("no group", "Sales", &[], false),
        ("no name", "", &["g"], false),
        ("a name of two lines", "Sa\nles", &["g"], false),
        ("several groups", "Sales", &["g", "h"], true),
    ];
    for (name, display_name, group_ids, fits) in cases {
        let mut new = AssignmentBuilder::new("new", AUTOMATIC, group_ids).chosen(EXPORT).build();
        new.display_name = display_name.to_owned();
        let result = Org::new(Phase::Migrated, vec![]).create(new, None);
        assert_eq!(result.is_ok(), fits, "{name}");
    }
}

#[test]
fn a_catalog_has_unique_ids_and_requires_only_its_own_seat_types() {
    type Change = fn(&mut Catalog);
    let cases: [(&str, Change, &[Found]); 6] = [
        ("as it is", |_| {}, &[]),
        (
            "a seat type twice",
            |c| c.seat_types.push(c.seat_types[0].clone()),
            &[(ViolationKind::InvalidRequest, "seat_types[3].seat_type")],
        ),
        (
            "a seat type that requires an unknown one",
            |c| c.seat_types[1].requires = vec!["x".to_owned()],
            &[(ViolationKind::UnknownSeatType, "seat_types[1].requires")],
        ),
        (
            "a seat type that requires itself",
            |c| c.seat_types[0].requires = vec!["gong".to_owned()],
            &[(ViolationKind::UnknownSeatType, "seat_types[0].requires")],
        ),
        (
            "a workspace id in capitals",
            |c| c.workspaces[0].id = "EMEA".to_owned(),
            &[(ViolationKind::InvalidRequest, "workspaces[0].workspace")],
        ),
        (
            "a profile twice in a workspace",
            |c| {
                let profile = c.workspaces[0].profiles[0].clone();
                c.workspaces[0].profiles.push(profile);
            },
            &[(ViolationKind::InvalidRequest, "workspaces[0].profiles[1].profile")],
        ),
    ];
    for (name, change, expected) in cases {
        let mut catalog = catalog();
        change(&mut catalog);
        let found = catalog.violations();
        let found: Vec<_> = found.iter().map(|v| (v.kind, v.field.as_str())).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn equal_settings_have_equal_ids() {
    let mut all: Vec<Settings> = cases().into_iter().map(|(_, settings, _)| settings).collect();
    all.extend([seats(&["go", "ng"]), permission("em", "earep"), home("gong")]);
    for (i, one) in all.iter().enumerate() {
        assert_eq!(one.id(), one.clone().id());
        for other in &all[i + 1..] {
            assert_ne!(one.id(), other.id(), "{one:?} and {other:?}");
        }
    }
}

#[test]
fn ids_and_addresses_are_validated_when_parsed() {
    type Parse = fn(&str) -> Result<String, Violation>;
    let slug: Parse = |text| AssignmentId::parse(text).map(|id| id.to_string());
    let external: Parse = |text| MemberId::parse(text).map(|id| id.to_string());
    let group: Parse = |text| GroupId::parse(text).map(|id| id.to_string());
    let email: Parse = |text| Email::parse(text).map(|email| email.to_string());
    let long = "x".repeat(255);
    let longer = "x".repeat(256);
    let cases: [(Parse, &str, Option<&str>); 20] = [
        (slug, "sales-2", Some("sales-2")),
        (slug, "a", Some("a")),
        (slug, "", None),
        (slug, "2sales", None),
        (slug, "sales-", None),
        (slug, "Sales", None),
        (slug, "sales_2", None),
        (slug, &longer[..64], None),
        (external, "00u1 Ä/%", Some("00u1 Ä/%")),
        (external, &long, Some(&long)),
        (external, &longer, None),
        (external, "", None),
        (group, "a\tb", None),
        (email, "Ada.Lovelace@Acme.Example", Some("ada.lovelace@acme.example")),
        (email, "ada", None),
        (email, "@acme.example", None),
        (email, "ada@", None),
        (email, "ada @acme.example", None),
        (email, "", None),
        (email, "ada@acme.example\n", None),
    ];
    for (parse, text, expected) in cases {
        assert_eq!(parse(text).ok().as_deref(), expected, "`{text}`");
    }
}

#[test]
fn pending_seats_are_assigned_when_an_existing_total_changes() {
    /// A name, the total before and after, and the totals to check.
    type Case = (&'static str, Option<u32>, Option<u32>, &'static [Option<u32>]);
    let cases: [Case; 7] = [
        ("none, before and after", None, None, &[]),
        ("the first one", None, Some(1), &[]),
        ("the same", Some(1), Some(1), &[]),
        ("raised", Some(1), Some(2), &[Some(2)]),
        ("raised from nothing", Some(0), Some(1), &[Some(1)]),
        ("lowered", Some(2), Some(1), &[Some(1)]),
        ("taken away", Some(1), None, &[None]),
    ];
    for (name, before, after, expected) in cases {
        let [mut was, mut is] = [catalog(), catalog()];
        (was.seat_types[0].total, is.seat_types[0].total) = (before, after);
        assert_eq!(is.changed_totals(&was).into_values().collect::<Vec<_>>(), expected, "{name}");
        is.seat_types.remove(0);
        assert_eq!(is.changed_totals(&was), [].into(), "{name}, and gone");
    }
}
