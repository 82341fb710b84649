//! Comparing the stored list of assignments with the rules.

use std::collections::HashSet;

use super::{CheckRule, Difference};
use crate::{
    AssignmentId, AssignmentList, Phase,
    migration::{MigrationRecord, MigrationState},
};

/// Compares stored ranks, in their order, with the ranks of a dense list.
#[must_use]
pub fn check_ranks(stored: &[(AssignmentId, u32)]) -> Vec<Difference> {
    let rule = CheckRule::DenseRanks;
    let wrong = (1..).zip(stored).filter(|(expected, (_, rank))| expected != rank);
    let difference = |(expected, (id, rank)): (u32, &(AssignmentId, u32))| {
        Difference::of_assignment(rule, id, format!("`{id}` has rank {rank}, but it is number {expected} of the list"))
    };
    let mut found: Vec<Difference> = wrong.map(difference).collect();
    if !is_default_last(stored) {
        let default = AssignmentId::default_assignment();
        let message = "the default assignment is not the last one; nothing else could be checked".to_owned();
        found.push(Difference::of_assignment(rule, &default, message));
    }
    found
}

/// Whether the last assignment is the default one. Without it, members cannot be resolved.
#[must_use]
pub fn is_default_last(stored: &[(AssignmentId, u32)]) -> bool {
    stored.last().is_some_and(|(id, _)| id.is_default())
}

/// Compares the chosen values with the phase. `record` is the record of the organization's migration, if there is one.
#[must_use]
pub fn check_chosen_values(phase: Phase, list: &AssignmentList, record: Option<&MigrationRecord>) -> Vec<Difference> {
    let migrated = record.filter(|record| record.state == MigrationState::Migrated);
    let outcomes = migrated.iter().flat_map(|record| &record.outcomes);
    let left_mixed: HashSet<&AssignmentId> =
        outcomes.filter(|outcome| outcome.chosen.is_none()).map(|outcome| &outcome.assignment).collect();
    let problem = |id: &AssignmentId, chosen: bool| match phase {
        Phase::Legacy => chosen.then_some("has a chosen value of email export, but the organization is not migrated"),
        Phase::Migrated if chosen || left_mixed.contains(id) => None,
        Phase::Migrated => Some("has no chosen value of email export, but the migration did not leave it mixed"),
    };
    let difference = |(_, assignment): (u32, &crate::Assignment)| {
        let id = &assignment.id;
        let problem = problem(id, assignment.chosen.is_some())?;
        Some(Difference::of_assignment(CheckRule::ChosenValue, id, format!("`{id}` {problem}")))
    };
    list.ranked().filter_map(difference).collect()
}
