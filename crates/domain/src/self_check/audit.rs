//! Comparing the revisions of the audit with the revision of the organization.

use super::{CheckRule, Difference, DifferenceSubject};

/// Compares the revisions of audit events after `after`, in their order, with the rule that each revision has one
/// event. `last` is the organization's revision when these are the last events, and `None` when more follow.
#[must_use]
pub fn check_revisions(after: i64, events: &[i64], last: Option<i64>) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut expected = after + 1;
    for revision in events {
        found.extend(gap(expected, *revision - 1));
        if last.is_some_and(|last| *revision > last) {
            found.push(difference(*revision, format!("the audit has an event of revision {revision}, which is none")));
        }
        expected = revision + 1;
    }
    found.extend(last.and_then(|last| gap(expected, last)));
    found
}

fn gap(first: i64, last: i64) -> Option<Difference> {
    let message = match last - first {
        0 => format!("revision {first} has no audit event"),
        1.. => format!("the revisions {first} to {last} have no audit event"),
        _ => return None,
    };
    Some(difference(first, message))
}

fn difference(revision: i64, message: String) -> Difference {
    Difference { rule: CheckRule::AuditRevisions, subject: DifferenceSubject::Revision(revision), message }
}
