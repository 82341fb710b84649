//! Email export to CRM: the derived state, the value given on entry, the agreed value of a save, and that nothing is
//! retroactive (product.md 4). Saving while mixed is in `saving_while_mixed.rs`.

mod support;

use rollcall_domain::{
    Phase, Refusal, UpdateMode, ViolationKind,
    assignments::AssignmentEdit,
    directory::SyncMode,
    email_export::{EmailExport, MemberExport, Setting, Since, Source, State, Summary, entering, export_since_text},
    members::MemberEdit,
};
use support::{
    ALWAYS, AUTOMATIC, AssignmentBuilder, DO_NOT_EXPORT, EXPORT, MANUAL, NOT, Org, PersonBuilder, Rows, at, groups,
    organization, seats, since, violations,
};

#[test]
fn the_state_is_derived_from_active_members() {
    let cases: [(&str, [u32; 3], Option<EmailExport>, State); 9] = [
        ("all export", [2, 0, 0], None, State::Export),
        ("no member exports", [0, 2, 0], None, State::DoNotExport),
        ("they differ", [1, 1, 0], None, State::Mixed),
        ("they differ from what was chosen", [0, 2, 0], Some(EXPORT), State::DoNotExport),
        ("they differ, whatever was chosen", [1, 1, 0], Some(EXPORT), State::Mixed),
        ("no active members", [0, 0, 3], None, State::DoNotExport),
        ("no active members, EXPORT chosen", [0, 0, 3], Some(EXPORT), State::Export),
        ("no members, DO_NOT_EXPORT chosen", [0, 0, 0], Some(DO_NOT_EXPORT), State::DoNotExport),
        ("inactive members make nothing mixed", [2, 0, 3], None, State::Export),
    ];
    for (name, [exporting, not_exporting, inactive], chosen, expected) in cases {
        let summary = Summary { exporting, not_exporting, inactive };
        assert_eq!(summary.state(chosen), expected, "{name}");
        let agreed = match expected {
            State::Export => Some(EXPORT),
            State::DoNotExport => Some(DO_NOT_EXPORT),
            State::Mixed => None,
        };
        assert_eq!(summary.agreed(chosen), agreed, "{name}");
        assert_eq!(summary.is_mixed(), expected == State::Mixed, "{name}");
    }
}

#[test]
fn inactive_members_are_counted_separately() {
    let members = [
        (true, Some(EXPORT)),
        (true, Some(DO_NOT_EXPORT)),
        (true, Some(DO_NOT_EXPORT)),
        (false, Some(EXPORT)),
        (false, Some(DO_NOT_EXPORT)),
        (false, None),
    ];
    let expected = Summary { exporting: 1, not_exporting: 2, inactive: 3 };
    assert_eq!(Summary::count(members), expected);
}

#[test]
fn action_is_required_while_automatic_and_mixed() {
    let mixed = Summary { exporting: 1, not_exporting: 1, inactive: 0 };
    let agreeing = Summary { exporting: 2, not_exporting: 0, inactive: 5 };
    for (mode, summary, expected) in
        [(AUTOMATIC, mixed, true), (AUTOMATIC, agreeing, false), (MANUAL, mixed, false), (MANUAL, agreeing, false)]
    {
        let assignment = AssignmentBuilder::new("a", mode, &["g"]).build();
        assert_eq!(assignment.action_required(summary), expected, "{mode:?}, {summary:?}");
        assert_eq!(mode.action_required(summary), expected, "{mode:?}, {summary:?}");
    }
}

#[test]
fn the_start_of_export_is_written_as_always_a_moment_or_nothing() {
    let moment = "2026-03-03T04:05:06.5Z".parse().unwrap();
    for (setting, text) in [
        (Some(ALWAYS), "always"),
        (Some(Setting::Export(Since::At(moment))), "2026-03-03T04:05:06.500000Z"),
        (Some(NOT), ""),
        (None, ""),
    ] {
        assert_eq!(export_since_text(setting), text, "{setting:?}");
    }
}

#[test]
fn a_period_of_export_starts_at_the_change_and_does_not_move() {
    let cases: [(&str, EmailExport, Option<Setting>, Setting); 8] = [
        ("a new member is given EXPORT", EXPORT, None, since(9)),
        ("EXPORT after DO_NOT_EXPORT starts now", EXPORT, Some(NOT), since(9)),
        ("EXPORT again does not move it", EXPORT, Some(since(3)), since(3)),
        ("EXPORT after always stays always", EXPORT, Some(ALWAYS), ALWAYS),
        ("DO_NOT_EXPORT ends it", DO_NOT_EXPORT, Some(since(3)), NOT),
        ("DO_NOT_EXPORT ends always", DO_NOT_EXPORT, Some(ALWAYS), NOT),
        ("DO_NOT_EXPORT again", DO_NOT_EXPORT, Some(NOT), NOT),
        ("a new member is given DO_NOT_EXPORT", DO_NOT_EXPORT, None, NOT),
    ];
    for (name, value, before, expected) in cases {
        assert_eq!(Setting::given(value, before, at(9)), expected, "{name}");
    }
}

#[test]
fn entering_gives_the_chosen_value_or_the_agreed_value_or_keeps_the_setting() {
    let by_hand = |setting| Some(MemberExport { setting, source: Source::EditedByHand });
    let [agreed, mixed] = [State::Export, State::Mixed];
    let no_active = Summary { inactive: 4, ..Summary::default() }.state(None);
    let kept = Source::EditedByHand;
    let new = Source::Assignment;
    type Case = (&'static str, Option<EmailExport>, State, Option<MemberExport>, (Setting, Source));
    let cases: [Case; 10] = [
        ("chosen EXPORT, new", Some(EXPORT), no_active, None, (since(9), new)),
        ("chosen EXPORT, exporting already", Some(EXPORT), no_active, by_hand(ALWAYS), (ALWAYS, new)),
        ("chosen wins over members", Some(DO_NOT_EXPORT), agreed, by_hand(ALWAYS), (NOT, new)),
        ("chosen wins over mixed", Some(EXPORT), mixed, by_hand(NOT), (since(9), new)),
        ("agreed, new", None, agreed, None, (since(9), new)),
        ("agreed, not exporting", None, agreed, by_hand(NOT), (since(9), new)),
        ("mixed, exporting", None, mixed, by_hand(since(3)), (since(3), kept)),
        ("mixed, not exporting", None, mixed, by_hand(NOT), (NOT, kept)),
        ("mixed, new", None, mixed, None, (NOT, new)),
        ("no active member, exporting", None, no_active, by_hand(ALWAYS), (NOT, new)),
    ];
    for (name, chosen, state, before, (setting, source)) in cases {
        let given = entering(chosen, state, before, at(9));
        assert_eq!(given, MemberExport { setting, source }, "{name}");
    }
}

/// The assignment `subject` (group s) with the given members.
fn org(mode: UpdateMode, chosen: Option<EmailExport>, people: Vec<PersonBuilder>) -> Org {
    let subject = AssignmentBuilder::new("subject", mode, &["s"]);
    let subject = chosen.into_iter().fold(subject, AssignmentBuilder::chosen);
    people.into_iter().fold(Org::new(Phase::Migrated, vec![subject]), Org::with)
}

fn someone(id: &str, setting: Setting) -> PersonBuilder {
    PersonBuilder::new(id, &["s"]).setting(setting)
}

#[test]
fn entering_a_mixed_assignment_keeps_a_setting_and_gives_new_ones_do_not_export() {
    for mode in [AUTOMATIC, MANUAL] {
        let mixed = vec![someone("yes", ALWAYS), someone("no", NOT)];
        let mut org = org(mode, None, mixed).with(PersonBuilder::new("old", &[]).setting(since(0)));
        let rows = Rows::new().joins("old", "s").person("new").joins("new", "s");
        org.sync(SyncMode::Delta, rows.0).unwrap();
        let settings = ["yes", "no", "old", "new"].map(|id| org.setting(id));
        assert_eq!(settings, [Some(ALWAYS), Some(NOT), Some(since(0)), Some(NOT)], "{mode:?}");
        assert_eq!([org.home("old"), org.home("new")], ["subject"; 2], "{mode:?}");
    }
}

#[test]
fn switching_to_automatic_takes_the_agreed_value_of_active_members() {
    let cases: [(&str, Vec<PersonBuilder>, Option<EmailExport>, EmailExport); 6] = [
        ("agreed", vec![someone("m1", ALWAYS)], None, EXPORT),
        ("agreed, not the stored choice", vec![someone("m1", ALWAYS)], Some(DO_NOT_EXPORT), EXPORT),
        ("agreed on not", vec![someone("m1", NOT)], Some(EXPORT), DO_NOT_EXPORT),
        (
            "inactive ones do not count, and take it",
            vec![someone("m1", ALWAYS), someone("m2", NOT).inactive()],
            None,
            EXPORT,
        ),
        ("no active member: stored", vec![someone("m1", NOT).inactive()], Some(EXPORT), EXPORT),
        ("no active member, nothing stored", vec![], None, DO_NOT_EXPORT),
    ];
    for (name, people, chosen, expected) in cases {
        let mut org = org(MANUAL, chosen, people);
        let edit = AssignmentEdit { update_mode: Some(AUTOMATIC), ..AssignmentEdit::default() };
        org.update("subject", &edit).unwrap();
        assert_eq!(org.assignment("subject").chosen, Some(expected), "{name}");
        let values = org.people.values().map(|p| p.held.export.map(|e| e.setting.value()));
        assert!(values.clone().all(|value| value == Some(expected)), "{name}");
    }
}

#[test]
fn a_save_makes_the_agreed_value_the_chosen_value_and_changes_no_member() {
    let people = vec![someone("m1", ALWAYS), someone("m2", since(0)), someone("m3", NOT).inactive()];
    let mut org = org(AUTOMATIC, None, people);
    let before = org.people.clone();
    let edit = AssignmentEdit { display_name: Some("Renamed".to_owned()), ..AssignmentEdit::default() };
    org.update("subject", &edit).unwrap();
    assert_eq!(org.assignment("subject").chosen, Some(EXPORT));
    assert_eq!(org.people, before, "the inactive one keeps the carried value until active again");
}

#[test]
fn editing_other_settings_changes_no_email_export() {
    let people = vec![someone("m1", since(0)), someone("m2", NOT).inactive()];
    let mut org = org(AUTOMATIC, Some(EXPORT), people);
    let before = ["m1", "m2"].map(|id| org.person(id).held.export);
    let edit = AssignmentEdit { settings: Some(seats(&["gong"])), ..AssignmentEdit::default() };
    org.update("subject", &edit).unwrap();
    assert_eq!(["m1", "m2"].map(|id| org.seats(id)), [["gong"]; 2]);
    assert_eq!(["m1", "m2"].map(|id| org.person(id).held.export), before, "the source, too");
}

#[test]
fn leaving_members_do_not_count_and_entering_members_get_the_result() {
    let subject = AssignmentBuilder::new("subject", AUTOMATIC, &["a", "b"]);
    let mut org = Org::new(Phase::Migrated, vec![subject])
        .with(PersonBuilder::new("stays", &["a"]).setting(ALWAYS))
        .with(PersonBuilder::new("leaves", &["b"]).setting(NOT))
        .with(PersonBuilder::new("enters", &["c"]).setting(NOT));
    let edit = AssignmentEdit { groups: Some(groups(&["a", "c"])), ..AssignmentEdit::default() };
    org.update("subject", &edit).unwrap();
    assert_eq!(["stays", "leaves", "enters"].map(|id| org.home(id)), ["subject", "default", "subject"]);
    assert_eq!(org.assignment("subject").chosen, Some(EXPORT));
    let since = Setting::given(EXPORT, None, org.now());
    assert_eq!(["stays", "enters"].map(|id| org.setting(id)), [Some(ALWAYS), Some(since)]);
}

#[test]
fn an_equal_value_keeps_the_start_and_updates_the_source() {
    let mut org = org(MANUAL, Some(EXPORT), vec![someone("m1", since(0))]);
    let edit = MemberEdit { choose: Some(EXPORT), ..MemberEdit::default() };
    let plan = org.edit_member("m1", edit).unwrap();
    assert_eq!(org.setting("m1"), Some(since(0)));
    assert_eq!(org.person("m1").held.export.map(|e| e.source), Some(Source::EditedByHand));
    assert_eq!(plan.counts(), rollcall_domain::plan::Counts::default());
}

#[test]
fn becoming_inactive_and_active_again_keeps_the_start() {
    for mode in [AUTOMATIC, MANUAL] {
        let mut org = org(mode, Some(EXPORT), vec![someone("m1", since(0))]);
        org.sync(SyncMode::Delta, Rows::new().inactive_person("m1").0).unwrap();
        org.sync(SyncMode::Delta, Rows::new().person("m1").0).unwrap();
        assert_eq!(org.setting("m1"), Some(since(0)), "{mode:?}");
    }
}

#[test]
fn creating_requires_a_value_after_the_migration_and_allows_none_before() {
    let new = AssignmentBuilder::new("new", AUTOMATIC, &["g"]);
    let migrated = Org::new(Phase::Migrated, vec![]).create(new.clone().build(), None);
    assert_eq!(violations(migrated), [ViolationKind::EmailExportRequired]);
    let legacy = Org::new(Phase::Legacy, vec![]).create(new.chosen(EXPORT).build(), None);
    assert_eq!(legacy, Err(Refusal::EmailExportNotMigrated(organization())));
}

#[test]
fn in_phase_legacy_no_member_has_a_setting_and_a_given_one_is_refused() {
    let subject = AssignmentBuilder::new("subject", MANUAL, &["s"]);
    let mut org = Org::new(Phase::Legacy, vec![subject]).with(PersonBuilder::new("m1", &["s"]));
    let refused = Err(Refusal::EmailExportNotMigrated(organization()));
    let choose = AssignmentEdit { choose: Some(EXPORT), ..AssignmentEdit::default() };
    assert_eq!(org.update("subject", &choose), refused);
    let choose = MemberEdit { choose: Some(EXPORT), ..MemberEdit::default() };
    assert_eq!(org.edit_member("m1", choose), refused);

    let new = AssignmentBuilder::new("new", AUTOMATIC, &["s"]).seats(&["gong"]);
    org.create(new.build(), Some(1)).unwrap();
    let automatic = AssignmentEdit { update_mode: Some(AUTOMATIC), ..AssignmentEdit::default() };
    org.update("subject", &automatic).unwrap();
    assert_eq!((org.home("m1"), org.setting("m1")), ("new", None));
    let settings = AssignmentEdit { settings: Some(seats(&["forecast"])), ..AssignmentEdit::default() };
    org.update("new", &settings).unwrap();
    org.sync(SyncMode::Delta, Rows::new().person("m2").0).unwrap();
    org.move_members(&["m2"], "subject").unwrap();
    assert_eq!((org.seats("m1"), org.setting("m1"), org.setting("m2")), (vec!["forecast"], None, None));
}
