//! The table of product.md 3, row by row: the effect of each event on members of an automatic assignment, of a manual
//! one, and of the default one.

mod support;

use rollcall_domain::{
    Cause, MemberChange, Phase, Refusal,
    assignments::AssignmentEdit,
    directory::SyncMode,
    email_export::{EmailExport, Setting},
    members::MemberEdit,
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, Rows, assignment,
    groups, member, seats,
};

/// The current assignment of the member: its id and its mode.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Current {
    Automatic,
    Manual,
    AutomaticDefault,
    ManualDefault,
}
use Current::{Automatic, AutomaticDefault, Manual, ManualDefault};

const ALL: [Current; 4] = [Automatic, Manual, AutomaticDefault, ManualDefault];

impl Current {
    fn id(self) -> &'static str {
        if matches!(self, Automatic | Manual) { "subject" } else { "default" }
    }

    fn is_automatic(self) -> bool {
        matches!(self, Automatic | AutomaticDefault)
    }

    /// The expected assignment of a member who now matches an earlier assignment.
    fn after_resolving(self, first_match: &'static str) -> &'static str {
        if self == Manual { "subject" } else { first_match }
    }
}

/// The assignments `early` (group e), `subject` (group s, the mode under test), `late` (group l), and the default.
/// `m1` is in the assignment under test, which gives `gong` and DO_NOT_EXPORT.
fn org(current: Current) -> Org {
    let mode = if current.is_automatic() { AUTOMATIC } else { MANUAL };
    let org = Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("early", AUTOMATIC, &["e"]).seats(&["forecast"]).chosen(EXPORT),
            AssignmentBuilder::new("subject", mode, &["s"]).seats(&["gong"]).chosen(DO_NOT_EXPORT),
            AssignmentBuilder::new("late", AUTOMATIC, &["l"]).chosen(DO_NOT_EXPORT),
        ],
    )
    .with_default(|default| {
        default.update_mode = mode;
        default.settings = seats(&["gong"]);
    });
    org.with(someone("m1", current))
}

/// A member of the assignment under test.
fn someone(id: &str, current: Current) -> PersonBuilder {
    let own: &[&str] = if current.id() == "subject" { &["s"] } else { &[] };
    PersonBuilder::new(id, own)
}

#[test]
fn a_new_member_enters_the_first_match_whatever_its_mode() {
    for current in ALL {
        let mut org = org(current);
        let rows = match current.id() {
            "subject" => Rows::new().person("new").joins("new", "l").joins("new", "s"),
            _ => Rows::new().person("new"),
        };
        let sync = org.sync(SyncMode::Delta, rows.0).unwrap();
        assert_eq!(org.home("new"), current.id(), "{current:?}");
        assert_eq!(org.seats("new"), ["gong"], "{current:?}");
        assert_eq!(org.setting("new"), Some(NOT), "{current:?}");
        let causes: Vec<Cause> = sync.members.iter().map(|change| change.cause).collect();
        assert_eq!(causes, [Cause::EnteredAssignment], "{current:?}");
    }
}

#[test]
fn members_of_automatic_assignments_cannot_be_edited() {
    let edits = [
        ("email export", MemberEdit { choose: Some(EXPORT), ..MemberEdit::default() }),
        ("settings", MemberEdit { settings: Some(seats(&[])), ..MemberEdit::default() }),
    ];
    for (name, edit) in edits {
        for current in ALL {
            let mut org = org(current);
            let result = org.edit_member("m1", edit.clone());
            if current.is_automatic() {
                let locked =
                    Refusal::MemberLockedByAssignment { member: member("m1"), assignment: assignment(current.id()) };
                assert_eq!(result, Err(locked), "{name}, {current:?}");
            } else {
                let plan = result.unwrap();
                let causes: Vec<Cause> = plan.members.iter().map(|change| change.cause).collect();
                assert_eq!(causes, [Cause::EditedByHand], "{name}, {current:?}");
                assert_eq!(org.home("m1"), current.id(), "{name}, {current:?}");
            }
        }
    }
}

#[test]
fn an_edit_of_a_member_changes_only_what_it_names() {
    let mut org = org(Manual);
    let settings = MemberEdit { settings: Some(seats(&["forecast"])), ..MemberEdit::default() };
    org.edit_member("m1", settings).unwrap();
    assert_eq!((org.seats("m1"), org.setting("m1")), (vec!["forecast"], Some(NOT)));
    let choose = MemberEdit { choose: Some(EXPORT), ..MemberEdit::default() };
    org.edit_member("m1", choose).unwrap();
    let since = Setting::given(EXPORT, None, org.now());
    assert_eq!((org.seats("m1"), org.setting("m1")), (vec!["forecast"], Some(since)));
}

#[test]
fn a_change_of_groups_in_the_idp_resolves_again_unless_manual() {
    for current in ALL {
        let mut org = org(current);
        let before = org.person("m1").held.clone();
        org.sync(SyncMode::Delta, Rows::new().joins("m1", "e").0).unwrap();
        let home = current.after_resolving("early");
        assert_eq!(org.home("m1"), home, "joins a group: {current:?}");
        if home == "early" {
            assert_eq!(org.seats("m1"), ["forecast"], "entering gives the bundle: {current:?}");
        } else {
            assert_eq!(org.person("m1").held, before, "nothing changes: {current:?}");
        }
    }
    for (current, home) in [(Automatic, "default"), (Manual, "subject")] {
        let mut org = org(current);
        org.sync(SyncMode::Delta, Rows::new().leaves("m1", "s").0).unwrap();
        assert_eq!(org.home("m1"), home, "leaves the group: {current:?}");
    }
}

#[test]
fn a_change_of_the_list_resolves_again_unless_manual() {
    type Change = fn(&mut Org);
    let changes: [(&str, Change); 3] = [
        ("an assignment with the member's group moves before", |org| {
            org.move_to("late", 1).unwrap();
        }),
        ("an assignment is created before", |org| {
            let new = AssignmentBuilder::new("new", AUTOMATIC, &["l"]).chosen(EXPORT);
            org.create(new.build(), Some(1)).unwrap();
        }),
        ("its own assignment's groups change", |org| {
            org.update("subject", &AssignmentEdit { groups: Some(groups(&["x"])), ..AssignmentEdit::default() })
                .unwrap();
        }),
    ];
    for (name, change) in changes {
        for (current, mode) in [(Automatic, AUTOMATIC), (Manual, MANUAL)] {
            let subject = AssignmentBuilder::new("subject", mode, &["s"]).chosen(DO_NOT_EXPORT);
            let late = AssignmentBuilder::new("late", AUTOMATIC, &["l"]).chosen(EXPORT);
            let mut org = Org::new(Phase::Migrated, vec![subject, late]).with(PersonBuilder::new("m1", &["s", "l"]));
            change(&mut org);
            let first = org.first_match(&groups(&["s", "l"]));
            let expected = if current == Manual { "subject" } else { first.as_str() };
            assert_eq!(org.home("m1"), expected, "{name}, {current:?}");
            assert_ne!(first.as_str(), "subject", "{name}: there is somewhere to go");
        }
    }
}

#[test]
fn a_change_of_another_assignments_groups_resolves_again_unless_manual() {
    for current in ALL {
        let mut org = org(current);
        org.sync(SyncMode::Delta, Rows::new().group("x").joins("m1", "x").0).unwrap();
        assert_eq!(org.home("m1"), current.id(), "{current:?}");
        let edit = AssignmentEdit { groups: Some(groups(&["e", "x"])), ..AssignmentEdit::default() };
        org.update("early", &edit).unwrap();
        assert_eq!(org.home("m1"), current.after_resolving("early"), "{current:?}");
    }
}

#[test]
fn identity_fields_are_applied_and_change_nothing_else() {
    for current in ALL {
        let mut org = org(current);
        let before = org.person("m1").clone();
        let mut rows = Rows::new().person_with("m1", "New.Name@Acme.Example", Some(true)).0;
        for row in &mut rows.members {
            row.given_name = "Ada".to_owned();
            row.family_name = "Lovelace".to_owned();
            row.job_title = "Analyst".to_owned();
            row.manager_email = "Boss@acme.example".to_owned();
        }
        org.sync(SyncMode::Delta, rows).unwrap();
        let after = org.person("m1");
        let mut expected = before;
        expected.identity.email = support::email("new.name@acme.example");
        expected.identity.given_name = "Ada".to_owned();
        expected.identity.family_name = "Lovelace".to_owned();
        expected.identity.job_title = "Analyst".to_owned();
        expected.identity.manager_email = Some(support::email("boss@acme.example"));
        assert_eq!(*after, expected, "{current:?}");
    }
}

#[test]
fn edited_settings_are_applied_again_only_with_automatic_updates() {
    for current in ALL {
        let mut org = org(current).with(someone("m2", current).inactive());
        let edit = AssignmentEdit { settings: Some(seats(&["forecast"])), ..AssignmentEdit::default() };
        org.update(current.id(), &edit).unwrap();
        let kept = if current.is_automatic() { "forecast" } else { "gong" };
        assert_eq!(org.seats("m1"), [kept], "existing member: {current:?}");
        assert_eq!(org.seats("m2"), [kept], "inactive existing member: {current:?}");
        assert_eq!(org.setting("m1"), Some(NOT), "{current:?}");

        let rows = Rows::new().person("new");
        let rows = if current.id() == "subject" { rows.joins("new", "s") } else { rows };
        org.sync(SyncMode::Delta, rows.0).unwrap();
        assert_eq!(org.seats("new"), ["forecast"], "entering member: {current:?}");
    }
}

#[test]
fn a_chosen_email_export_setting_applies_to_every_member_in_any_mode() {
    for current in ALL {
        let mut org = org(current).with(someone("m2", current).inactive());
        let plan =
            org.update(current.id(), &AssignmentEdit { choose: Some(EXPORT), ..AssignmentEdit::default() }).unwrap();
        let given = Some(Setting::given(EXPORT, None, org.now()));
        assert_eq!([org.setting("m1"), org.setting("m2")], [given; 2], "{current:?}");
        assert_eq!(org.assignment(current.id()).chosen, Some(EXPORT), "{current:?}");
        let edited = |change: &MemberChange| change.cause == Cause::AssignmentEdited;
        assert!(plan.members.iter().all(edited), "{current:?}");
    }
}

#[test]
fn a_member_who_becomes_inactive_keeps_all_settings() {
    for current in ALL {
        let mut org = org(current);
        let before = org.person("m1").clone();
        org.sync(SyncMode::Delta, Rows::new().inactive_person("m1").0).unwrap();
        let expected = support::Person { active: false, ..before };
        assert_eq!(*org.person("m1"), expected, "{current:?}");
    }
}

#[test]
fn a_reactivated_member_gets_the_bundle_only_with_automatic_updates() {
    let cases: [(Setting, EmailExport, Setting); 3] =
        [(ALWAYS, DO_NOT_EXPORT, NOT), (NOT, EXPORT, support::since(1)), (ALWAYS, EXPORT, ALWAYS)];
    for current in ALL {
        for (carried, chosen, given) in cases {
            let name = format!("{carried:?} back into {chosen} of {current:?}");
            let mut org = org(current);
            let all = org.listed.iter_mut().chain([&mut org.default]);
            all.filter(|a| a.id.as_str() == current.id()).for_each(|a| a.chosen = Some(chosen));
            let mut org = org.with(someone("m1", current).setting(carried).seats(&["engage"]).inactive());
            let sync = org.sync(SyncMode::Delta, Rows::new().person("m1").0).unwrap();
            assert_eq!(sync.directory.counts.members_reactivated, 1, "{name}");
            let (seat, setting) = if current.is_automatic() { ("gong", given) } else { ("engage", carried) };
            assert_eq!((org.seats("m1"), org.setting("m1")), (vec![seat], Some(setting)), "{name}");
            for change in &sync.members {
                assert_eq!(change.cause, Cause::BecameActive, "{name}");
            }
        }
    }
}

#[test]
fn switching_to_automatic_resolves_members_again_and_applies_all_settings() {
    let mut org = org(Manual)
        .with(PersonBuilder::new("held", &["e"]).inside("subject"))
        .with(PersonBuilder::new("pinned", &["e"]).pinned("subject").setting(ALWAYS))
        .with(PersonBuilder::new("stays", &["s"]).seats(&["engage"]).setting(NOT));
    let edit = AssignmentEdit { update_mode: Some(AUTOMATIC), choose: Some(EXPORT), ..AssignmentEdit::default() };
    org.update("subject", &edit).unwrap();
    assert_eq!((org.home("held"), org.seats("held")), ("early", vec!["forecast"]));
    assert_eq!((org.home("pinned"), org.setting("pinned")), ("subject", Some(ALWAYS)));
    let given = Some(Setting::given(EXPORT, None, org.now()));
    assert_eq!((org.seats("stays"), org.setting("stays")), (vec!["gong"], given));
}

#[test]
fn switching_to_manual_keeps_members_and_their_settings() {
    for current in [Automatic, AutomaticDefault] {
        let mut org = org(current);
        let before = org.people.clone();
        let edit = AssignmentEdit { update_mode: Some(MANUAL), ..AssignmentEdit::default() };
        let plan = org.update(current.id(), &edit).unwrap();
        assert_eq!(plan.members, [], "{current:?}");
        assert_eq!(org.people, before, "{current:?}");
    }
}
