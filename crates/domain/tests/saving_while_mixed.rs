//! Saving a mixed assignment (product.md 4.4): refused with the counts if the result is automatic and still mixed.
//! Changes that are not saves are allowed.

mod support;

use rollcall_domain::{
    Phase, Refusal, UpdateMode,
    assignments::AssignmentEdit,
    directory::SyncMode,
    email_export::{EmailExport, Setting},
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, Rows, assignment,
    groups, seats,
};

const SUBJECTS: [&str; 2] = ["subject", "default"];

/// Members of `subject` or of the default: two export, one does not, and an inactive one does not.
fn mixed(subject: &str, mode: UpdateMode) -> Org {
    let own: &[&str] = if subject == "default" { &[] } else { &["s"] };
    Org::new(
        Phase::Migrated,
        vec![
            AssignmentBuilder::new("other", AUTOMATIC, &["o"]).chosen(DO_NOT_EXPORT),
            AssignmentBuilder::new("subject", mode, &["s"]).seats(&["gong"]),
        ],
    )
    .with_default(|default| {
        default.update_mode = mode;
        default.chosen = None;
    })
    .with(PersonBuilder::new("yes", own).setting(ALWAYS))
    .with(PersonBuilder::new("also", own).setting(ALWAYS))
    .with(PersonBuilder::new("no", own).setting(NOT))
    .with(PersonBuilder::new("away", own).setting(NOT).inactive())
}

fn named(edit: AssignmentEdit) -> AssignmentEdit {
    AssignmentEdit { display_name: Some("Renamed".to_owned()), ..edit }
}

fn to(mode: UpdateMode) -> AssignmentEdit {
    AssignmentEdit { update_mode: Some(mode), ..AssignmentEdit::default() }
}

fn choosing(value: EmailExport) -> AssignmentEdit {
    AssignmentEdit { choose: Some(value), ..AssignmentEdit::default() }
}

#[test]
fn a_save_is_refused_when_its_result_is_automatic_and_still_mixed() {
    let with_settings = AssignmentEdit { settings: Some(seats(&["forecast"])), ..AssignmentEdit::default() };
    let cases: [(&str, UpdateMode, AssignmentEdit); 7] = [
        ("nothing is edited", AUTOMATIC, AssignmentEdit::default()),
        ("the name", AUTOMATIC, named(AssignmentEdit::default())),
        ("the settings", AUTOMATIC, with_settings.clone()),
        ("the mode it has already", AUTOMATIC, to(AUTOMATIC)),
        ("manual to automatic", MANUAL, to(AUTOMATIC)),
        ("manual to automatic, with a name", MANUAL, named(to(AUTOMATIC))),
        (
            "manual to automatic, with settings",
            MANUAL,
            AssignmentEdit { update_mode: Some(AUTOMATIC), ..with_settings },
        ),
    ];
    for subject in SUBJECTS {
        for (name, mode, edit) in &cases {
            let mut org = mixed(subject, *mode);
            let before = org.clone();
            let refused =
                Refusal::EmailExportUnresolved { assignment: assignment(subject), exporting: 2, not_exporting: 1 };
            assert_eq!(org.update(subject, edit), Err(refused), "{name}: {subject}");
            assert_eq!((org.people, org.listed), (before.people, before.listed), "{name}");
        }
    }
    let mut org = mixed("subject", AUTOMATIC);
    let edit = AssignmentEdit { groups: Some(groups(&["s", "x"])), ..AssignmentEdit::default() };
    assert!(matches!(org.update("subject", &edit), Err(Refusal::EmailExportUnresolved { .. })));
}

#[test]
fn choosing_or_switching_to_manual_makes_the_save_possible() {
    let both = |mode, value| AssignmentEdit { update_mode: Some(mode), ..choosing(value) };
    let cases: [(&str, UpdateMode, AssignmentEdit, Option<EmailExport>); 9] = [
        ("EXPORT is chosen", AUTOMATIC, choosing(EXPORT), Some(EXPORT)),
        ("DO_NOT_EXPORT is chosen", AUTOMATIC, choosing(DO_NOT_EXPORT), Some(DO_NOT_EXPORT)),
        ("chosen with a name", AUTOMATIC, named(choosing(EXPORT)), Some(EXPORT)),
        ("switched to manual", AUTOMATIC, to(MANUAL), None),
        ("switched to manual with a name", AUTOMATIC, named(to(MANUAL)), None),
        ("switched to manual and chosen", AUTOMATIC, both(MANUAL, EXPORT), Some(EXPORT)),
        ("switched to automatic and chosen", MANUAL, both(AUTOMATIC, EXPORT), Some(EXPORT)),
        ("manual ones may stay mixed", MANUAL, named(AssignmentEdit::default()), None),
        ("manual, chosen", MANUAL, choosing(DO_NOT_EXPORT), Some(DO_NOT_EXPORT)),
    ];
    for subject in SUBJECTS {
        for (name, mode, edit, chosen) in &cases {
            let mut org = mixed(subject, *mode);
            let before = org.people.clone();
            org.update(subject, edit).unwrap();
            assert_eq!(org.assignment(subject).chosen, *chosen, "{name}: {subject}");
            for (id, person) in &before {
                let had = person.held.export.map(|export| export.setting);
                let given = chosen.map(|value| Setting::given(value, had, org.now()));
                let has = org.setting(id.as_str());
                assert_eq!(has, given.or(had), "{name}: {subject}, {id}");
            }
        }
    }
}

#[test]
fn changes_that_are_not_saves_are_allowed_while_mixed() {
    type Change = fn(&mut Org);
    let changes: [(&str, Change); 5] = [
        ("moving it in the list", |org| {
            org.move_to("subject", 1).unwrap();
        }),
        ("saving another assignment", |org| {
            org.update("other", &named(AssignmentEdit::default())).unwrap();
        }),
        ("moving members into it", |org| {
            org.move_members(&["extra"], "subject").unwrap();
        }),
        ("a sync", |org| {
            org.sync(SyncMode::Delta, Rows::new().person("new").joins("new", "s").0).unwrap();
        }),
        ("deleting another assignment", |org| {
            org.delete("other", true).unwrap();
        }),
    ];
    for (name, change) in changes {
        let mut org = mixed("subject", AUTOMATIC).with(PersonBuilder::new("extra", &["o"]));
        change(&mut org);
        let settings = ["yes", "also", "no", "away"].map(|id| org.setting(id));
        assert_eq!(settings, [Some(ALWAYS), Some(ALWAYS), Some(NOT), Some(NOT)], "{name}");
        assert_eq!(org.assignment("subject").chosen, None, "{name}");
    }
}

#[test]
fn moving_members_away_is_not_a_save_and_makes_the_next_one_possible() {
    let mut org = mixed("subject", AUTOMATIC);
    org.move_members(&["no"], "other").unwrap();
    assert_eq!(org.assignment("subject").chosen, None);
    org.update("subject", &named(AssignmentEdit::default())).unwrap();
    assert_eq!(org.assignment("subject").chosen, Some(EXPORT));
    assert_eq!(org.setting("no"), Some(NOT));
    assert_eq!(org.setting("away"), Some(NOT), "inactive: keeps it until active again");
}
