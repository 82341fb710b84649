//! The settings migration of all organizations in phase LEGACY, one after the other (product.md 7).

use std::time::Duration;

use rollcall_app::migration::MigrationOutcome;
use rollcall_domain::{OrganizationId, Phase};
use rollcall_store::{
    jobs::{self, Counts},
    organizations,
};

use crate::engine::{CatchUp, Ended, JobContext, JobError, JobResult, JobSpec, job_fn};

/// How many ids of organizations are read at a time.
const ORGANIZATIONS: i64 = 100;
/// How many organizations the failure names.
const NAMED: usize = 20;

/// The job.
pub(crate) fn spec() -> JobSpec {
    JobSpec {
        name: "settings-migration",
        description: "Migrates the organizations in phase LEGACY, and proves that no member's behaviour changes.",
        // Never by itself: an organization must not be migrated before somebody asks for it.
        schedule: None,
        catch_up: CatchUp::Newest,
        timeout: Duration::from_secs(12 * 60 * 60),
        attempts: 5,
        run: job_fn(run),
    }
}

/// Each organization is a chunk: migrated, counted and passed, or left as it was.
async fn run(context: JobContext) -> JobResult {
    let db = context.app.db();
    let mut after = context.position.clone();
    let mut failures = Vec::new();
    loop {
        let ids = organizations::list_ids_after(db, after.as_deref(), Some(Phase::Legacy), ORGANIZATIONS).await?;
        let Some(last) = ids.last() else { break };
        after = Some(last.as_str().to_owned());
        for organization in &ids {
            if context.cancel.is_cancelled() {
                return Ok(Ended::Stopped);
            }
            if let Some(failure) = migrate(&context, organization).await? {
                failures.push(failure);
            }
        }
    }
    end(&context, &failures).await
}

/// Migrates one organization; why not, if it failed.
async fn migrate(context: &JobContext, organization: &OrganizationId) -> Result<Option<String>, JobError> {
    match context.app.migrate_organization(organization, context.fence).await? {
        MigrationOutcome::Failed(reason) => {
            tracing::error!(%organization, reason, "the organization was not migrated");
            Ok(Some(format!("{organization}: {reason}")))
        }
        _ => Ok(None),
    }
}

/// The run has failed if any organization has; trying again does not help, those wait for an
/// operator.
async fn end(context: &JobContext, failures: &[String]) -> JobResult {
    let stored = jobs::find_run(context.app.db(), context.run.id).await?;
    let stored = stored.map(|run| run.outcome).unwrap_or_default();
    // So that all counts are there, also those that are 0.
    let zeros = ["organizations_migrated", "organizations_failed", "organizations_skipped", "members"];
    let outcome: Counts = zeros.map(|name| (name.to_owned(), 0)).into();
    match stored.get("organizations_failed").copied().unwrap_or_default() {
        0 => Ok(Ended::Done { outcome, report: None }),
        failed => Err(JobError::final_failure(failure_text(failed, failures), outcome)),
    }
}

/// Names the organizations that failed in this attempt, as far as they are few.
fn failure_text(failed: i64, failures: &[String]) -> String {
    let named = failures.len().min(NAMED);
    let mut text = match failed {
        1 => "1 organization was not migrated".to_owned(),
        _ => format!("{failed} organizations were not migrated"),
    };
    if named > 0 {
        text.push_str(": ");
        text.push_str(&failures[..named].join("; "));
    }
    let rest = failed - i64::try_from(named).unwrap_or(failed);
    if named > 0 && rest > 0 {
        text.push_str(&format!("; and {rest} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::failure_text;

    #[test]
    fn a_failure_names_twenty_organizations_at_most() {
        let failures: Vec<String> = (0..25).map(|n| format!("org-{n}: no")).collect();
        let text = failure_text(25, &failures);
        assert!(text.starts_with("25 organizations were not migrated: org-0: no; org-1: no"));
        assert!(text.ends_with("org-19: no; and 5 more"), "{text}");
        assert_eq!(failure_text(1, &failures[..1]), "1 organization was not migrated: org-0: no");
        assert_eq!(failure_text(2, &[]), "2 organizations were not migrated");
    }
}
