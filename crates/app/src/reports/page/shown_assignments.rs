//! Which mixed assignments the page shows: those that need action, then the largest. Only these are in memory, so the
//! page is bounded, however many organizations there are.

use std::{cmp::Reverse, collections::BTreeMap};

use rollcall_domain::{AssignmentId, OrganizationId};
use rollcall_store::members::mixed::ReportedAssignment;

/// How many mixed assignments the page shows.
const SHOWN: usize = 200;

/// The order in which assignments are shown: those that need action, then those with more active members. Ids break ties,
/// so that the same data gives the same page.
type Importance = (Reverse<bool>, Reverse<u64>, OrganizationId, AssignmentId);

/// The most important mixed assignments so far, and the number of all that need action.
#[derive(Debug, Default)]
pub(in crate::reports) struct ShownAssignments {
    first: BTreeMap<Importance, ReportedAssignment>,
    pub(super) action_required: u64,
}

impl ShownAssignments {
    /// Adds the mixed assignments of an organization.
    pub(in crate::reports) fn add(&mut self, organization: &OrganizationId, mixed: &[ReportedAssignment]) {
        for assignment in mixed {
            let is_required = assignment.update_mode.action_required(assignment.summary);
            self.action_required += u64::from(is_required);
            let importance =
                (Reverse(is_required), Reverse(active(assignment)), organization.clone(), assignment.id.clone());
            let is_shown =
                self.first.len() < SHOWN || self.first.last_key_value().is_some_and(|(last, _)| importance < *last);
            if is_shown {
                self.first.insert(importance, assignment.clone());
            }
            if self.first.len() > SHOWN {
                self.first.pop_last();
            }
        }
    }

    /// Whether the assignment is shown.
    pub(super) fn contains(&self, organization: &OrganizationId, assignment: &AssignmentId) -> bool {
        self.first.keys().any(|(_, _, shown, id)| shown == organization && id == assignment)
    }

    /// Returns the shown assignments by organization, each list by rank. Organizations with an assignment that needs
    /// action come first, then those with more active members in the shown assignments.
    pub(super) fn by_organization(&self) -> Vec<(&OrganizationId, Vec<&ReportedAssignment>)> {
        let mut organizations: BTreeMap<&OrganizationId, Vec<&ReportedAssignment>> = BTreeMap::new();
        for ((_, _, organization, _), assignment) in &self.first {
            organizations.entry(organization).or_default().push(assignment);
        }
        let mut organizations: Vec<_> = organizations.into_iter().collect();
        for (_, assignments) in &mut organizations {
            assignments.sort_by_key(|assignment| assignment.rank);
        }
        organizations.sort_by_key(|(organization, assignments)| {
            let requires_action = assignments.iter().any(|one| one.update_mode.action_required(one.summary));
            let members: u64 = assignments.iter().map(|assignment| active(assignment)).sum();
            (Reverse(requires_action), Reverse(members), *organization)
        });
        organizations
    }
}

/// The number of active members.
fn active(assignment: &ReportedAssignment) -> u64 {
    u64::from(assignment.summary.exporting) + u64::from(assignment.summary.not_exporting)
}

#[cfg(test)]
mod tests {
    use rollcall_domain::{UpdateMode, email_export::Summary};

    use super::*;

    fn assignment(id: &str, update_mode: UpdateMode, exporting: u32) -> ReportedAssignment {
        let summary = Summary { exporting, not_exporting: 1, inactive: 0 };
        ReportedAssignment { id: AssignmentId::trusted(id), name: id.to_owned(), rank: exporting, update_mode, summary }
    }

    #[test]
    fn assignments_that_need_action_are_shown_before_larger_ones() {
        let mut shown = ShownAssignments::default();
        for number in 0..300 {
            let id = OrganizationId::trusted(format!("large-{number:03}"));
            shown.add(&id, &[assignment("a", UpdateMode::ManualEditing, 1_000 + number)]);
        }
        let mixed =
            [assignment("small", UpdateMode::AutomaticUpdates, 1), assignment("tiny", UpdateMode::ManualEditing, 1)];
        shown.add(&OrganizationId::trusted("zoo"), &mixed);
        let organizations = shown.by_organization();
        assert_eq!((organizations.len(), shown.action_required), (SHOWN, 1));
        let ids = |place: usize| -> (&str, Vec<&str>) {
            let (organization, assignments) = &organizations[place];
            (organization.as_str(), assignments.iter().map(|one| one.id.as_str()).collect())
        };
        assert_eq!(ids(0), ("zoo", vec!["small"]));
        assert_eq!(ids(1), ("large-299", vec!["a"]));
        assert_eq!(ids(SHOWN - 1), ("large-101", vec!["a"]));
    }
}
