//! The findings of lint, rule by rule (product.md 9).

mod support;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rollcall_domain::{
    Assignment, AssignmentList, DataCapture, GroupId, Phase, Settings,
    email_export::Summary,
    lint::{LintFacts, LintFinding, LintRule, lint},
};
use support::{AUTOMATIC, AssignmentBuilder, EXPORT, MANUAL, assignment, catalog, groups, seats};

const AGREED: Summary = Summary { exporting: 2, not_exporting: 0, inactive: 1 };
const MIXED: Summary = Summary { exporting: 2, not_exporting: 1, inactive: 0 };

/// The facts besides the list: every assignment has members who agree, no group is absent, no seat is pending.
struct ListFacts {
    phase: Phase,
    gone: BTreeSet<GroupId>,
    summaries: HashMap<String, Summary>,
    waiting: Vec<(&'static str, &'static str, u32)>,
}

impl ListFacts {
    fn new() -> Self {
        Self { phase: Phase::Migrated, gone: BTreeSet::new(), summaries: HashMap::new(), waiting: Vec::new() }
    }

    fn lint(&self, listed: Vec<Assignment>, default: Assignment) -> Vec<LintFinding> {
        let list = AssignmentList::new(listed, default);
        let summary = |a: &Assignment| self.summaries.get(a.id.as_str()).copied().unwrap_or(AGREED);
        let summaries = list.ranked().map(|(_, a)| (a.id.clone(), summary(a))).collect();
        let mut waiting: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (id, seat, members) in &self.waiting {
            waiting.entry(assignment(id)).or_default().insert((*seat).to_owned(), *members);
        }
        let (catalog, gone, summaries, waiting) = (&catalog(), &self.gone, &summaries, &waiting);
        lint(&list, &LintFacts { phase: self.phase, catalog, gone, summaries, waiting })
    }

    /// Returns the findings in a list, as `assignment:RULE`.
    fn found(&self, listed: Vec<AssignmentBuilder>) -> Vec<String> {
        let listed = listed.into_iter().map(AssignmentBuilder::build).collect();
        let found = self.lint(listed, Assignment::new_default(self.phase));
        found.iter().map(|finding| format!("{}:{:?}", finding.assignment, finding.rule)).collect()
    }
}

fn new(id: &str, own: &[&str]) -> AssignmentBuilder {
    AssignmentBuilder::new(id, AUTOMATIC, own).chosen(EXPORT)
}

const NOTHING: [&str; 0] = [];

#[test]
fn an_assignment_never_matches_when_earlier_ones_take_each_of_its_groups() {
    let facts = ListFacts::new();
    type Listed = &'static [(&'static str, &'static [&'static str])];
    let cases: [(Listed, &[&str]); 6] = [
        (&[("a", &["x"]), ("b", &["y"])], &[]),
        (&[("a", &["x"]), ("b", &["x", "y"])], &[]),
        (&[("a", &["x", "y"]), ("b", &["x"])], &["b:NeverMatches"]),
        (&[("a", &["x"]), ("b", &["y"]), ("c", &["x", "y"])], &["c:NeverMatches"]),
        (&[("a", &["x"]), ("b", &["x"]), ("c", &["x"])], &["b:NeverMatches", "c:NeverMatches"]),
        (&[("b", &["x"]), ("a", &["x", "y"])], &[]),
    ];
    for (listed, expected) in cases {
        let found = facts.found(listed.iter().map(|(id, own)| new(id, own)).collect());
        assert_eq!(found, expected, "{listed:?}");
    }
}

#[test]
fn a_finding_names_the_groups_the_earlier_assignments_and_the_remedy() {
    let listed = [new("a", &["x", "z"]), new("b", &["y"]), new("c", &["x"]), new("d", &["y", "x"])];
    let found =
        ListFacts::new().lint(listed.map(AssignmentBuilder::build).into(), Assignment::new_default(Phase::Migrated));
    let expected = LintFinding {
        rule: LintRule::NeverMatches,
        assignment: assignment("d"),
        rank: 4,
        message:
            "no member can match `d`: an earlier assignment has each of its groups (`a`, `b`); move it before them, \
             give it another group, or delete it"
                .to_owned(),
        groups: groups(&["x", "y"]),
        taken_by: vec![assignment("a"), assignment("b")],
    };
    assert_eq!(found.last(), Some(&expected));
    assert_eq!(found.len(), 2);
}

#[test]
fn absent_groups_are_reported_for_every_assignment_that_names_them() {
    let facts = ListFacts { gone: groups(&["x", "y", "elsewhere"]), ..ListFacts::new() };
    let listed = [new("a", &["x", "y", "z"]), new("b", &["v", "x"]), new("c", &["w"])];
    let found = facts.lint(listed.map(AssignmentBuilder::build).into(), Assignment::new_default(Phase::Migrated));
    let named: Vec<_> = found.iter().map(|finding| (finding.rule, finding.rank, finding.groups.clone())).collect();
    assert_eq!(named, [(LintRule::GroupGone, 1, groups(&["x", "y"])), (LintRule::GroupGone, 2, groups(&["x"]))]);
}

#[test]
fn an_assignment_without_members_is_reported_except_the_default_one() {
    let none = || ["a", "default"].map(|id| (id.to_owned(), Summary::default())).into();
    let facts = ListFacts { summaries: none(), ..ListFacts::new() };
    assert_eq!(facts.found(vec![new("a", &["x"]), new("b", &["y"])]), ["a:NoMembers"]);
    let inactive = HashMap::from([("a".to_owned(), Summary { inactive: 1, ..Summary::default() })]);
    let facts = ListFacts { summaries: inactive, ..ListFacts::new() };
    assert_eq!(facts.found(vec![new("a", &["x"])]), NOTHING);
}

#[test]
fn stored_contradictory_data_capture_is_reported() {
    let contradictory = |capture: DataCapture| {
        let settings = Settings { data_capture: capture, ..Settings::default() };
        let default = Assignment { settings, ..Assignment::new_default(Phase::Migrated) };
        let found = ListFacts::new().lint(vec![], default);
        found.into_iter().map(|finding| (finding.rule, finding.message)).collect::<Vec<_>>()
    };
    let conferences = DataCapture {
        web_conferences_recorded: true,
        prevent_web_conference_recording: true,
        ..DataCapture::default()
    };
    let both = DataCapture { emails_imported: true, prevent_email_import: true, ..conferences };
    assert_eq!(contradictory(DataCapture { prevent_email_import: false, ..both }).len(), 1);
    let message = "`default` has both web_conferences_recorded and prevent_web_conference_recording, and both \
                   emails_imported and prevent_email_import; turn one of each off";
    assert_eq!(contradictory(both), [(LintRule::ContradictoryDataCapture, message.to_owned())]);
    assert_eq!(contradictory(DataCapture { web_conferences_recorded: false, emails_imported: false, ..both }), []);
}

#[test]
fn pending_seats_are_reported_for_the_seats_of_the_assignment() {
    let waiting = vec![("a", "gong", 3), ("a", "forecast", 1), ("b", "gong", 2)];
    let facts = ListFacts { waiting, ..ListFacts::new() };
    let listed = || vec![new("a", &["x"]).seats(&["gong", "forecast"]), new("b", &["y"])];
    assert_eq!(facts.found(listed()), ["a:SeatsPending"]);
    let listed = listed().into_iter().map(AssignmentBuilder::build).collect();
    let found = facts.lint(listed, Assignment::new_default(Phase::Migrated));
    let message = "members of `a` wait: 1 for the seat `forecast`, 3 for the seat `gong`; raise the total or free some";
    assert_eq!(found[0].message, message);
}

#[test]
fn a_seat_with_a_later_prerequisite_is_reported() {
    let facts = ListFacts::new();
    let listed = vec![new("a", &["x"]).seats(&["engage"]), new("b", &["y"]).seats(&["engage", "gong"])];
    assert_eq!(facts.found(listed), ["a:SeatPrerequisiteMissing"]);
    let default = Assignment { settings: seats(&["engage"]), ..Assignment::new_default(Phase::Migrated) };
    assert_eq!(
        facts.lint(vec![], default)[0].message,
        "`default` lacks seats: `engage` requires `gong`; give both, or neither"
    );
}

#[test]
fn a_mixed_automatic_assignment_is_reported_as_unresolved() {
    let mixed = || ["auto", "manual"].map(|id| (id.to_owned(), MIXED)).into();
    let listed = || {
        let auto = AssignmentBuilder::new("auto", AUTOMATIC, &["x"]);
        vec![
            auto,
            AssignmentBuilder::new("manual", MANUAL, &["y"]),
            AssignmentBuilder::new("agreed", AUTOMATIC, &["z"]),
        ]
    };
    let facts = ListFacts { summaries: mixed(), ..ListFacts::new() };
    assert_eq!(facts.found(listed()), ["auto:EmailExportUnresolved"]);
    let legacy = ListFacts { summaries: mixed(), phase: Phase::Legacy, ..ListFacts::new() };
    assert_eq!(legacy.found(listed()), NOTHING);
}

#[test]
fn findings_are_in_evaluation_order_and_then_by_rule() {
    let facts = ListFacts {
        gone: groups(&["x"]),
        summaries: ["a", "b"].map(|id| (id.to_owned(), Summary::default())).into(),
        waiting: vec![("default", "gong", 1), ("a", "engage", 1)],
        ..ListFacts::new()
    };
    let listed = [new("b", &["x"]), new("a", &["x"]).seats(&["engage"])];
    let default = Assignment { settings: seats(&["gong"]), ..Assignment::new_default(Phase::Migrated) };
    let found = facts.lint(listed.map(AssignmentBuilder::build).into(), default);
    let found: Vec<_> = found.iter().map(|finding| (finding.rank, finding.rule)).collect();
    let expected = [
        (1, LintRule::GroupGone),
        (1, LintRule::NoMembers),
        (2, LintRule::NeverMatches),
        (2, LintRule::GroupGone),
        (2, LintRule::NoMembers),
        (2, LintRule::SeatsPending),
        (2, LintRule::SeatPrerequisiteMissing),
        (3, LintRule::SeatsPending),
    ];
    assert_eq!(found, expected);
}
