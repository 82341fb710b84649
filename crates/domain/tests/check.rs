//! The check of email export: the answer and its reason (product.md 4.7, 4.8).

mod support;

use rollcall_domain::{
    Phase, Timestamp,
    email_export::{CheckSubject, Decision, MemberExport, Reason, Setting, Since, Source, decide},
};
use support::{ALWAYS, NOT, assignment, at, member, since};

struct Case {
    name: &'static str,
    phase: Phase,
    active: bool,
    setting: Option<Setting>,
    legacy: Option<bool>,
    sent: Option<Timestamp>,
    expected: Reason,
}

fn migrated(name: &'static str, setting: Setting, sent: Option<i64>, expected: Reason) -> Case {
    let (phase, sent) = (Phase::Migrated, sent.map(at));
    Case { name, phase, active: true, setting: Some(setting), legacy: None, sent, expected }
}

fn legacy(name: &'static str, legacy: Option<bool>, sent: Option<i64>, expected: Reason) -> Case {
    let (phase, sent) = (Phase::Legacy, sent.map(at));
    Case { name, phase, active: true, setting: None, legacy, sent, expected }
}

fn cases() -> Vec<Case> {
    use Reason::{Exported, MemberInactive, SentBeforeExportWasEnabled, SettingIsDoNotExport};
    vec![
        migrated("sent after the start", since(5), Some(6), Exported),
        migrated("sent at the start", since(5), Some(5), Exported),
        migrated("sent before the start", since(5), Some(4), SentBeforeExportWasEnabled),
        migrated("no sent time: not compared", since(5), None, Exported),
        migrated("always, sent long ago", ALWAYS, Some(-1_000_000), Exported),
        migrated("set to not, sent", NOT, Some(6), SettingIsDoNotExport),
        migrated("set to not, no sent time", NOT, None, SettingIsDoNotExport),
        Case { active: false, ..migrated("inactive, always", ALWAYS, Some(6), MemberInactive) },
        Case { active: false, ..migrated("inactive, before", since(5), Some(4), MemberInactive) },
        Case { active: false, ..migrated("inactive, set to not", NOT, None, MemberInactive) },
        Case {
            legacy: Some(true),
            ..migrated("the old setting no longer decides", NOT, Some(6), SettingIsDoNotExport)
        },
        Case {
            setting: None,
            legacy: Some(true),
            ..migrated("a migrated member without a setting", NOT, None, SettingIsDoNotExport)
        },
        legacy("old setting on, since always", Some(true), Some(-1_000_000), Exported),
        legacy("old setting on, no sent time", Some(true), None, Exported),
        legacy("old setting off", Some(false), Some(6), SettingIsDoNotExport),
        legacy("no old setting", None, None, SettingIsDoNotExport),
        Case { active: false, ..legacy("inactive, on", Some(true), None, MemberInactive) },
        Case { setting: Some(ALWAYS), ..legacy("only the old setting decides", None, None, SettingIsDoNotExport) },
    ]
}

#[test]
fn an_answer_has_its_reason_and_the_source_of_the_setting() {
    for case in cases() {
        let source = Source::EditedByHand;
        let export = case.setting.map(|setting| MemberExport { setting, source });
        let subject = CheckSubject {
            member: member("m"),
            active: case.active,
            assignment: assignment("sales"),
            export,
            legacy: case.legacy,
        };
        let source = match (case.phase, export) {
            (Phase::Legacy, _) => Source::Legacy,
            (Phase::Migrated, Some(export)) => export.source,
            (Phase::Migrated, None) => Source::Assignment,
        };
        let export_since = match (case.phase, case.setting) {
            (Phase::Migrated, Some(Setting::Export(Since::At(start)))) => Some(start),
            _ => None,
        };
        let expected = Decision {
            member: Some(member("m")),
            reason: case.expected,
            source: Some(source),
            export_since,
            assignment: Some(assignment("sales")),
        };
        let decision = decide(case.phase, Some(subject), case.sent);
        assert_eq!(decision, expected, "{}", case.name);
        assert_eq!(decision.export(), case.expected == Reason::Exported, "{}", case.name);
    }
}

#[test]
fn an_unknown_member_exports_nothing() {
    for phase in [Phase::Legacy, Phase::Migrated] {
        let decision: Decision = decide(phase, None, None);
        let reason = Reason::MemberUnknown;
        let expected = Decision { member: None, reason, source: None, export_since: None, assignment: None };
        assert_eq!((decision.export(), decision), (false, expected), "{phase:?}");
    }
}
