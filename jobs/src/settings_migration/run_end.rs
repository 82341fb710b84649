//! The end of a run: it fails if it stopped itself, or if organizations are failed or set aside.

use std::collections::BTreeMap;

use rollcall_domain::{OrganizationId, migration::MigrationStop};
use rollcall_store::{jobs, migration};

use crate::engine::{JobCompletion, JobContext, JobError, JobResult, to_run_counts};

/// How many organizations the failure of the run names at most, for each reason.
const NAMED_MAX: i64 = 20;

/// Ends the run, which fails if it stops itself, or if organizations are failed now: an operator may have retried some of
/// those that failed during the run. It also fails if organizations were set aside; those in `unrecorded` are not in the database. The run
/// is not attempted again: failed organizations wait for an operator, and the others for the next run.
pub(super) async fn end(
    context: &JobContext,
    stop: Option<MigrationStop>,
    unrecorded: BTreeMap<OrganizationId, String>,
) -> JobResult {
    let (db, run) = (context.app.db(), &context.run);
    let stored = jobs::find_run(db, run.id).await?;
    let stored = stored.map(|run| run.outcome).unwrap_or_default();
    // The outcome contains every count, also a count of 0. Only the count of the organizations that were set aside is
    // left out if there are none.
    let mut outcome = to_run_counts([("organizations_migrated", 0), ("members", 0)]);
    // These include the organizations that other workers and earlier attempts marked as failed.
    let failed = migration::count_failed_since(db, run.scheduled_for).await?;
    let repaired = stored.get("organizations_failed").copied().unwrap_or_default() - failed;
    outcome.insert("organizations_failed".to_owned(), -repaired);
    let set_aside = migration::count_set_aside(db, run.id).await? + i64::try_from(unrecorded.len()).unwrap_or(i64::MAX);
    if set_aside > 0 {
        outcome.insert("organizations_set_aside".to_owned(), set_aside);
    }
    let mut failures = Vec::new();
    if let Some(stop) = stop {
        failures.push(format!(
            "the migration stopped itself, because {stop}; the others stay pending: correct the cause, then start the \
             next run"
        ));
    }
    if failed > 0 {
        let named = migration::list_failed_since(db, run.scheduled_for, NAMED_MAX).await?;
        failures.push(failure_text(failed, "not migrated", named));
    }
    if set_aside > 0 {
        let mut named = migration::list_set_aside(db, run.id, NAMED_MAX).await?;
        named.extend(unrecorded.into_iter().map(|(organization, reason)| (organization.to_string(), reason)));
        failures.push(failure_text(set_aside, "set aside", named));
    }
    if failures.is_empty() {
        return Ok(JobCompletion::Done { outcome, report: None });
    }
    Err(JobError::final_failure(failures.join("; "), outcome))
}

/// Returns the failure of a run in which something happened to `count` organizations. `named` may be only some of them,
/// each with the reason.
fn failure_text(count: i64, what: &str, named: Vec<(String, String)>) -> String {
    let mut text = match count {
        1 => format!("1 organization was {what}"),
        _ => format!("{count} organizations were {what}"),
    };
    let rest = count - i64::try_from(named.len()).unwrap_or(count);
    let named: Vec<String> =
        named.into_iter().map(|(organization, reason)| format!("{organization}: {reason}")).collect();
    if !named.is_empty() {
        text.push_str(": ");
        text.push_str(&named.join("; "));
    }
    if !named.is_empty() && rest > 0 {
        text.push_str(&format!("; and {rest} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::failure_text;

    #[test]
    fn a_failure_says_how_many_more_there_are_than_it_names() {
        let named: Vec<_> = (0..20).map(|n| (format!("org-{n}"), "no".to_owned())).collect();
        let text = failure_text(25, "not migrated", named.clone());
        assert!(text.starts_with("25 organizations were not migrated: org-0: no; org-1: no"));
        assert!(text.ends_with("org-19: no; and 5 more"), "{text}");
        let one = failure_text(1, "set aside", named[..1].to_vec());
        assert_eq!(one, "1 organization was set aside: org-0: no");
        assert_eq!(failure_text(2, "not migrated", Vec::new()), "2 organizations were not migrated");
    }
}
