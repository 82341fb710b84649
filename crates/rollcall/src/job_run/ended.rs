//! What came of a run, wherever it ran.

use std::collections::BTreeMap;

use rollcall_app::jobs as app;
use rollcall_proto::v1;

use crate::{
    error::{Error, Result},
    progress::say,
};

/// A run as it was last seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// `jobs/{job}/runs/{run}`.
    pub(crate) name: String,
    /// `SUCCEEDED`, `FAILED`, and so on.
    pub(crate) state: String,
    /// What it did.
    outcome: BTreeMap<String, i64>,
    /// Why it failed; empty otherwise.
    failure: String,
    /// The report that it published, by name; empty for none.
    pub(crate) report: String,
}

impl From<v1::JobRun> for Ended {
    fn from(run: v1::JobRun) -> Self {
        let state = run.state().as_str_name();
        Self {
            state: state.strip_prefix("JOB_RUN_STATE_").unwrap_or(state).to_owned(),
            name: run.name,
            outcome: run.outcome.into_iter().map(|(name, count)| (name, count.into())).collect(),
            failure: run.failure,
            report: run.report,
        }
    }
}

impl From<app::JobRun> for Ended {
    fn from(run: app::JobRun) -> Self {
        Self {
            name: format!("jobs/{}/runs/{}", run.job, run.id),
            state: run.state.as_str().to_owned(),
            outcome: run.outcome,
            failure: run.failure.unwrap_or_default(),
            report: run.report.map(|report| format!("reports/{report}")).unwrap_or_default(),
        }
    }
}

impl Ended {
    /// Whether the run did all its work.
    ///
    /// # Errors
    /// When it did not succeed, or left something failed behind.
    pub(crate) fn verdict(&self) -> Result {
        let Self { name, state, failure, .. } = self;
        if state == "CANCELLED" {
            return Err(Error::failed(format!("{name} was cancelled; what it had done stays done")));
        }
        if state != "SUCCEEDED" {
            let colon = if failure.is_empty() { "" } else { ": " };
            return Err(Error::failed(format!("{name} is {state}{colon}{failure}")));
        }
        match self.outcome.iter().find(|(name, count)| name.contains("failed") && **count > 0) {
            Some((what, count)) => Err(Error::failed(format!("{name} ended, but {what} is {count}"))),
            None => Ok(()),
        }
    }

    /// What it did in one line, such as `members 44, organizations_migrated 1`.
    pub(crate) fn outcome(&self) -> String {
        let done = self.outcome.iter().filter(|(_, count)| **count != 0);
        let done: Vec<_> = done.map(|(name, count)| format!("{name} {count}")).collect();
        if done.is_empty() { "nothing was to do".to_owned() } else { done.join(", ") }
    }

    /// Prints it for a person.
    pub(super) fn show(&self) {
        say(format!("{} {}", self.name, self.state));
        for (name, count) in &self.outcome {
            say(format!("  {name} {count}"));
        }
        if !self.report.is_empty() {
            say(format!("  {}", self.report));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(state: &str, outcome: &[(&str, i64)]) -> Ended {
        let outcome = outcome.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        Ended { state: state.to_owned(), outcome, ..Default::default() }
    }

    #[test]
    fn only_a_run_without_failed_organizations_succeeds() {
        assert!(run("SUCCEEDED", &[("organizations_migrated", 2), ("organizations_failed", 0)]).verdict().is_ok());
        assert!(run("SUCCEEDED", &[("organizations_migrated", 1), ("organizations_failed", 1)]).verdict().is_err());
        for state in ["FAILED", "SKIPPED", "RUNNING", "PENDING", "CANCELLED"] {
            assert!(run(state, &[]).verdict().is_err(), "{state}");
        }
    }

    #[test]
    fn a_cancelled_run_says_that_what_it_did_stays() {
        let cancelled = Ended { name: "jobs/j/runs/1".to_owned(), ..run("CANCELLED", &[("members", 2)]) };
        let message = cancelled.verdict().unwrap_err().to_string();
        assert_eq!(message, "jobs/j/runs/1 was cancelled; what it had done stays done");
    }
}
