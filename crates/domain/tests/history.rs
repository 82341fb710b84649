//! The source and start of a member's settings, and the past email export setting (product.md 4.9, 9).

mod support;

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::Config};
use rollcall_domain::{
    Cause, DataCapture, Held, MemberChange, Phase, Settings,
    email_export::{MemberExport, Setting, Source},
    history::{
        Bundles, ExplainedSettings, Origin, RecordedChange, SettingName, SettingOrigin, explain_settings, export_at,
        origin,
    },
};
use support::{ALWAYS, NOT, assignment, at, member, seats, since};

/// The settings of a member after a change, and the cause.
#[derive(Clone, Debug)]
struct Step {
    cause: Cause,
    assignment: &'static str,
    settings: Settings,
    export: Option<MemberExport>,
}

fn step(cause: Cause, assignment: &'static str, settings: Settings, export: Option<(Setting, Source)>) -> Step {
    Step { cause, assignment, settings, export: export.map(|(setting, source)| MemberExport { setting, source }) }
}

fn held(step: &Step) -> Held {
    Held { assignment: assignment(step.assignment), settings: step.settings.id(), export: step.export }
}

/// Returns the changes of a member with these steps, one minute apart, newest first.
fn record(steps: &[Step]) -> (Vec<RecordedChange>, Bundles) {
    let bundles = steps.iter().map(|step| (step.settings.id(), step.settings.clone())).collect();
    let recorded = |(minute, step): (i64, &Step)| {
        let before = usize::try_from(minute - 1).ok().map(|index| held(&steps[index]));
        let change = MemberChange { member: member("m1"), before, after: held(step), cause: step.cause };
        RecordedChange { change, revision: 10 + minute, time: at(minute), actor: format!("actor {minute}") }
    };
    let mut changes: Vec<RecordedChange> = (0..).zip(steps).map(recorded).collect();
    changes.reverse();
    (changes, bundles)
}

/// Returns the explained settings of a member with these steps.
fn explain(phase: Phase, active: bool, waits_for_seat: bool, steps: &[Step]) -> Vec<SettingOrigin> {
    let (changes, bundles) = record(steps);
    let last = steps.last().cloned().unwrap_or_else(|| step(Cause::EditedByHand, "none", Settings::default(), None));
    let legacy = Some(true);
    let (settings, export) = (&last.settings, last.export);
    let explained = ExplainedSettings { phase, active, waits_for_seat, settings, export, legacy };
    explain_settings(&explained, &changes, &bundles)
}

fn one(name: SettingName, explained: &[SettingOrigin]) -> &SettingOrigin {
    explained.iter().find(|origin| origin.name == name).unwrap_or_else(|| panic!("{name:?} is explained"))
}

/// Returns the minute of the change that gave a setting.
fn minute(origin: &SettingOrigin) -> Option<i64> {
    match &origin.origin {
        Origin::Change(recorded) => Some(recorded.revision - 10),
        _ => None,
    }
}

#[test]
fn a_value_starts_at_its_last_change_whatever_else_changes() {
    let not = Some((NOT, Source::Assignment));
    let steps = [
        step(Cause::EnteredAssignment, "first", seats(&["gong"]), not),
        step(Cause::AssignmentEdited, "first", seats(&["gong", "engage"]), not),
        step(Cause::EnteredAssignment, "second", seats(&["gong"]), Some((since(2), Source::Assignment))),
        step(Cause::EnteredAssignment, "third", seats(&["gong"]), Some((since(2), Source::Assignment))),
        step(Cause::EditedByHand, "third", seats(&["gong"]), Some((since(2), Source::EditedByHand))),
    ];
    let explained = explain(Phase::Migrated, true, false, &steps);
    let names: Vec<SettingName> = explained.iter().map(|origin| origin.name).collect();
    assert_eq!(names, SettingName::ALL);
    let gong = one(SettingName::Seats, &explained);
    assert_eq!((gong.value.as_str(), minute(gong), gong.since()), ("gong", Some(2), Some(at(2))));
    // An edit with the same value does not interrupt the period.
    let export = one(SettingName::EmailExport, &explained);
    assert_eq!((export.value.as_str(), minute(export), export.since()), ("EXPORT", Some(2), Some(at(2))));
    let home = one(SettingName::HomeWorkspace, &explained);
    assert_eq!((home.value.as_str(), minute(home), home.since()), ("", Some(0), Some(at(0))));
}

#[test]
fn a_carried_over_setting_starts_at_always() {
    let none = Settings::default;
    let entered = step(Cause::EnteredAssignment, "first", none(), None);
    let carried = |setting| step(Cause::Migration, "first", none(), Some((setting, Source::Migration)));
    let confirmed = step(Cause::AssignmentEdited, "first", none(), Some((ALWAYS, Source::Assignment)));
    let rolled_back = step(Cause::RolledBack, "first", none(), None);
    let refused = step(Cause::AssignmentEdited, "first", none(), Some((NOT, Source::Assignment)));
    let cases = [
        ("carried over", vec![entered.clone(), carried(ALWAYS)], ("EXPORT", Some(1), None)),
        ("not exported, carried over", vec![entered.clone(), carried(NOT)], ("DO_NOT_EXPORT", Some(1), None)),
        ("the same chosen later", vec![entered.clone(), carried(ALWAYS), confirmed], ("EXPORT", Some(1), None)),
        (
            "carried over again",
            vec![entered.clone(), carried(NOT), rolled_back, carried(NOT)],
            ("DO_NOT_EXPORT", Some(3), None),
        ),
        ("another one chosen later", vec![entered, carried(ALWAYS), refused], ("DO_NOT_EXPORT", Some(2), Some(at(2)))),
    ];
    for (name, steps, expected) in cases {
        let explained = explain(Phase::Migrated, true, false, &steps);
        let export = one(SettingName::EmailExport, &explained);
        assert_eq!((export.value.as_str(), minute(export), export.since()), expected, "{name}");
        // The migration carries over only email export.
        assert_eq!(one(SettingName::Seats, &explained).since(), Some(at(0)), "{name}");
    }
}

#[test]
fn in_phase_legacy_the_legacy_setting_is_explained() {
    let entered = step(Cause::EnteredAssignment, "first", seats(&["gong"]), None);
    let explained = explain(Phase::Legacy, true, false, &[entered]);
    let export = one(SettingName::EmailExport, &explained);
    assert_eq!((export.value.as_str(), &export.origin, export.since()), ("EXPORT", &Origin::Legacy, None));
    assert_eq!(minute(one(SettingName::Seats, &explained)), Some(0));
}

#[test]
fn a_member_without_history_has_settings() {
    let explained = explain(Phase::Migrated, true, false, &[]);
    assert!(explained.iter().all(|origin| origin.origin == Origin::Unknown && origin.since().is_none()));
}

#[test]
fn no_setting_is_effective_while_inactive_and_no_seat_while_one_is_pending() {
    let steps = [step(Cause::EnteredAssignment, "first", seats(&["gong"]), Some((NOT, Source::Assignment)))];
    let effective = |active, waits| {
        let explained = explain(Phase::Migrated, active, waits, &steps);
        let names = explained.into_iter().filter(|origin| origin.effective).map(|origin| origin.name);
        names.collect::<Vec<_>>()
    };
    assert_eq!(effective(true, false), SettingName::ALL);
    assert_eq!(effective(true, true), SettingName::ALL[1..]);
    assert_eq!((effective(false, false), effective(false, true)), (vec![], vec![]));
}

#[test]
fn the_legacy_setting_answers_before_the_member_has_a_setting() {
    let given = step(Cause::Migration, "first", Settings::default(), Some((since(3), Source::EditedByHand)));
    let taken = step(Cause::RolledBack, "first", Settings::default(), None);
    let (changes, _) = record(&[given, taken]);
    let legacy = |setting| MemberExport { setting, source: Source::Legacy };
    assert_eq!(export_at(None, None), legacy(NOT));
    assert_eq!(export_at(None, Some(true)), legacy(ALWAYS));
    assert_eq!(export_at(changes.first(), Some(true)), legacy(ALWAYS), "rolled back");
    let own = MemberExport { setting: since(3), source: Source::EditedByHand };
    assert_eq!(export_at(changes.last(), Some(false)), own);
}

#[test]
fn values_are_readable_texts() {
    let settings = Settings {
        home_workspace: Some("emea".to_owned()),
        permissions: BTreeMap::from([("hq", "admin"), ("emea", "rep")].map(|(w, p)| (w.to_owned(), p.to_owned()))),
        data_capture: DataCapture { emails_imported: true, ..DataCapture::default() },
        ..seats(&["gong", "forecast"])
    };
    let texts = SettingName::ALL.map(|name| name.text(&settings, Some(support::DO_NOT_EXPORT)));
    let no = "false";
    let expected = ["forecast,gong", "emea", "emea=rep,hq=admin", no, no, no, "true", no, no, no, "DO_NOT_EXPORT"];
    assert_eq!(texts, expected);
}

/// Returns whether two steps have the same value, compared without texts.
fn same(name: SettingName, a: &Step, b: &Step) -> bool {
    let value = |step: &Step| step.export.map(|export| export.setting.value());
    let (x, y) = (a.settings.data_capture, b.settings.data_capture);
    match name {
        SettingName::Seats => a.settings.seats == b.settings.seats,
        SettingName::HomeWorkspace => a.settings.home_workspace == b.settings.home_workspace,
        SettingName::Permissions => a.settings.permissions == b.settings.permissions,
        SettingName::WebConferencesRecorded => x.web_conferences_recorded == y.web_conferences_recorded,
        SettingName::PreventWebConferenceRecording => {
            x.prevent_web_conference_recording == y.prevent_web_conference_recording
        }
        SettingName::TelephonyCallsImported => x.telephony_calls_imported == y.telephony_calls_imported,
        SettingName::EmailsImported => x.emails_imported == y.emails_imported,
        SettingName::PreventEmailImport => x.prevent_email_import == y.prevent_email_import,
        SettingName::NonRecordedMeetingsImported => {
            x.non_recorded_meetings_imported == y.non_recorded_meetings_imported
        }
        SettingName::GongConnectEnabled => x.gong_connect_enabled == y.gong_connect_enabled,
        SettingName::EmailExport => value(a) == value(b),
    }
}

/// The naive replay from the beginning: the latest change of the value gave it.
fn replay(name: SettingName, steps: &[Step]) -> usize {
    let mut given = 0;
    for (index, pair) in steps.windows(2).enumerate() {
        if !same(name, &pair[0], &pair[1]) {
            given = index + 1;
        }
    }
    given
}

fn any_settings() -> impl Strategy<Value = Settings> {
    let seats = prop::sample::subsequence(vec!["gong", "engage", "forecast"], 0..=3);
    let workspace = || prop::sample::select(vec!["emea", "hq"]);
    let permissions = prop::collection::btree_map(workspace(), prop::sample::select(vec!["rep", "admin"]), 0..3);
    let capture = prop::array::uniform7(any::<bool>()).prop_map(|flags| DataCapture {
        web_conferences_recorded: flags[0],
        prevent_web_conference_recording: flags[1],
        telephony_calls_imported: flags[2],
        emails_imported: flags[3],
        prevent_email_import: flags[4],
        non_recorded_meetings_imported: flags[5],
        gong_connect_enabled: flags[6],
    });
    let all = (seats, prop::option::of(workspace()), permissions, capture);
    all.prop_map(|(seats, home, permissions, data_capture)| Settings {
        seats: seats.into_iter().map(str::to_owned).collect(),
        home_workspace: home.map(str::to_owned),
        permissions: permissions.into_iter().map(|(w, p)| (w.to_owned(), p.to_owned())).collect(),
        data_capture,
    })
}

fn any_step() -> impl Strategy<Value = Step> {
    let cause = prop::sample::select(vec![Cause::EnteredAssignment, Cause::Migration, Cause::RolledBack]);
    let export = (
        prop::sample::select(vec![NOT, ALWAYS, since(1)]),
        prop::sample::select(vec![Source::Assignment, Source::EditedByHand]),
    );
    let settings = prop_oneof![Just(Settings::default()), any_settings()];
    (cause, prop::sample::select(vec!["a1", "a2"]), settings, prop::option::of(export))
        .prop_map(|(cause, assignment, settings, export)| step(cause, assignment, settings, export))
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn the_origin_is_what_a_replay_from_the_beginning_finds(steps in prop::collection::vec(any_step(), 1..12)) {
        let (changes, bundles) = record(&steps);
        for name in SettingName::ALL {
            let found = origin(name, &changes, &bundles).map(|recorded| recorded.revision - 10);
            prop_assert_eq!(found, i64::try_from(replay(name, &steps)).ok(), "{:?}", name);
        }
    }
}
