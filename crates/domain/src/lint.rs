//! Lint: what looks wrong in the list of assignments, although it is allowed (product.md 6, 9).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    Assignment, AssignmentId, AssignmentList, GroupId, Phase, catalog::Catalog, email_export::Summary,
    violation::NAMED_MAX,
};

/// What looks wrong about an assignment, in the order in which the findings about one assignment are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LintRule {
    /// Earlier assignments take each of its groups.
    NeverMatches,
    /// A group is no longer in the directory.
    GroupGone,
    /// It has no members.
    NoMembers,
    /// Its data capture both asks for and prevents the same.
    ContradictoryDataCapture,
    /// Members of it wait for a seat that it gives.
    SeatsPending,
    /// A seat type that it gives requires another one, which it does not give.
    SeatPrerequisiteMissing,
    /// It is mixed and updates automatically.
    EmailExportUnresolved,
}

/// Something odd about an assignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LintFinding {
    /// What.
    pub rule: LintRule,
    /// The assignment.
    pub assignment: AssignmentId,
    /// Its rank.
    pub rank: u32,
    /// What was found, and what to do about it.
    pub message: String,
    /// The groups that it is about.
    pub groups: BTreeSet<GroupId>,
    /// The earlier assignments that take its groups, in evaluation order.
    pub taken_by: Vec<AssignmentId>,
}

/// What has to be known beside the list.
#[derive(Debug)]
pub struct LintFacts<'a> {
    /// The phase of the organization.
    pub phase: Phase,
    /// What assignments can choose from.
    pub catalog: &'a Catalog,
    /// Groups that are no longer in the directory; of those that assignments name, all.
    pub gone: &'a BTreeSet<GroupId>,
    /// What the members of each assignment have; one without members is not there.
    pub summaries: &'a HashMap<AssignmentId, Summary>,
    /// How many members of each assignment wait for each seat type.
    pub waiting: &'a BTreeMap<AssignmentId, BTreeMap<String, u32>>,
}

/// Looks at every assignment; the answer is in evaluation order, then by rule.
#[must_use]
pub fn lint(list: &AssignmentList, facts: &LintFacts<'_>) -> Vec<LintFinding> {
    let mut found = never_matching(list);
    for (rank, assignment) in list.ranked() {
        found.extend(group_gone(rank, assignment, facts.gone));
        let summary = facts.summaries.get(&assignment.id).copied().unwrap_or_default();
        let messages = [
            (LintRule::NoMembers, no_members(assignment, summary)),
            (LintRule::ContradictoryDataCapture, contradictions(assignment)),
            (LintRule::SeatsPending, seats_pending(assignment, facts)),
            (LintRule::SeatPrerequisiteMissing, prerequisites_missing(assignment, facts.catalog)),
            (LintRule::EmailExportUnresolved, unresolved(assignment, summary, facts.phase)),
        ];
        let finding =
            |(rule, message): (LintRule, Option<String>)| Some(LintFinding::new(rule, assignment, rank, message?));
        found.extend(messages.into_iter().filter_map(finding));
    }
    found.sort_by_key(|finding| (finding.rank, finding.rule));
    found
}

/// The assignments each of whose groups an earlier one names: the first one listed wins.
#[must_use]
pub fn never_matching(list: &AssignmentList) -> Vec<LintFinding> {
    let first_ranks = list.first_ranks();
    let mut found = Vec::new();
    for (rank, assignment) in (1..).zip(list.listed()) {
        let winners: BTreeSet<u32> = assignment.groups.iter().map(|group| first_ranks[group]).collect();
        if winners.is_empty() || winners.contains(&rank) {
            continue;
        }
        let taken_by: Vec<AssignmentId> = winners.into_iter().map(|rank| list.at(rank).id.clone()).collect();
        let message = format!(
            "no member can match `{}`: an earlier assignment has each of its groups ({}); move it before them, give it \
             another group, or delete it",
            assignment.id,
            quoted(taken_by.iter().map(AssignmentId::as_str)),
        );
        let groups = assignment.groups.clone();
        found.push(LintFinding {
            groups,
            taken_by,
            ..LintFinding::new(LintRule::NeverMatches, assignment, rank, message)
        });
    }
    found
}

/// The groups of one assignment that are gone, if any is.
#[must_use]
pub fn group_gone(rank: u32, assignment: &Assignment, gone: &BTreeSet<GroupId>) -> Option<LintFinding> {
    let groups: BTreeSet<GroupId> = assignment.groups.intersection(gone).cloned().collect();
    let which = match groups.len() {
        0 => return None,
        1 => "the group",
        _ => "the groups",
    };
    let message = format!(
        "{which} {} of `{}` left the directory: no member matches by it until a sync brings it back; remove it from the \
         assignment if it will not come back",
        quoted(groups.iter().map(GroupId::as_str)),
        assignment.id,
    );
    Some(LintFinding { groups, ..LintFinding::new(LintRule::GroupGone, assignment, rank, message) })
}

impl LintFinding {
    fn new(rule: LintRule, assignment: &Assignment, rank: u32, message: String) -> Self {
        let assignment = assignment.id.clone();
        Self { rule, assignment, rank, message, groups: BTreeSet::new(), taken_by: Vec::new() }
    }
}

fn no_members(assignment: &Assignment, summary: Summary) -> Option<String> {
    let empty = summary == Summary::default() && !assignment.id.is_default();
    empty.then(|| format!("`{}` has no members; look at its groups and its rank, or delete it", assignment.id))
}

fn contradictions(assignment: &Assignment) -> Option<String> {
    let found = assignment.settings.data_capture.contradictions();
    let pairs: Vec<String> = found.iter().map(|(wanted, prevented)| format!("{wanted} and {prevented}")).collect();
    let message = || format!("`{}` has both {}; turn one of each off", assignment.id, pairs.join(", and both "));
    (!pairs.is_empty()).then(message)
}

fn seats_pending(assignment: &Assignment, facts: &LintFacts<'_>) -> Option<String> {
    let given = &assignment.settings.seats;
    let waiting = facts.waiting.get(&assignment.id)?.iter().filter(|(seat, _)| given.contains(*seat));
    let waiting: Vec<String> = waiting.map(|(seat, members)| format!("{members} for the seat `{seat}`")).collect();
    let message =
        || format!("members of `{}` wait: {}; raise the total or free some", assignment.id, waiting.join(", "));
    (!waiting.is_empty()).then(message)
}

fn prerequisites_missing(assignment: &Assignment, catalog: &Catalog) -> Option<String> {
    let unmet = catalog.unmet_requirements(&assignment.settings);
    let unmet: Vec<String> = unmet.iter().map(|(seat, required)| format!("`{seat}` requires `{required}`")).collect();
    let message = || format!("`{}` lacks seats: {}; give both, or neither", assignment.id, unmet.join(", "));
    (!unmet.is_empty()).then(message)
}

fn unresolved(assignment: &Assignment, summary: Summary, phase: Phase) -> Option<String> {
    let unresolved = phase == Phase::Migrated && assignment.action_required(summary);
    let message = || {
        format!(
            "the members of `{}` have different email export settings (EXPORT: {}, DO_NOT_EXPORT: {}), and it updates \
             automatically: it cannot be saved before a value is chosen or it is switched to manual editing",
            assignment.id, summary.exporting, summary.not_exporting,
        )
    };
    unresolved.then(message)
}

/// The first few, as a message names them.
fn quoted<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = if names.len() > NAMED_MAX { " and others" } else { "" };
    let named: Vec<String> = names.take(NAMED_MAX).map(|name| format!("`{name}`")).collect();
    named.join(", ") + more
}
