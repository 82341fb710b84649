//! The outcome of a job's run, as text and as success or failure.

use std::collections::BTreeMap;

use rollcall_proto::v1::JobRun;

use crate::{
    error::{Error, Result},
    output::print_line,
};

/// Returns the state without its prefix: `SUCCEEDED`, `FAILED` and so on.
pub(super) fn state_name(run: &JobRun) -> &'static str {
    let state = run.state().as_str_name();
    state.strip_prefix("JOB_RUN_STATE_").unwrap_or(state)
}

/// Checks that the run did all its work.
///
/// # Errors
/// The run did not succeed, or it counted something as failed.
pub(crate) fn check_succeeded(run: &JobRun) -> Result {
    let JobRun { name, failure, .. } = run;
    let state = state_name(run);
    if state == "CANCELLED" {
        return Err(Error::failed(format!("{name} was cancelled; the work that it finished is kept")));
    }
    if state != "SUCCEEDED" {
        let colon = if failure.is_empty() { "" } else { ": " };
        return Err(Error::failed(format!("{name} is {state}{colon}{failure}")));
    }
    match sorted_counts(run).iter().find(|(name, count)| name.contains("failed") && **count > 0) {
        Some((what, count)) => Err(Error::failed(format!("{name} ended, but {what} is {count}"))),
        None => Ok(()),
    }
}

/// Returns the counts of the run in one line, such as `members 44, organizations_migrated 1`.
pub(crate) fn outcome_line(run: &JobRun) -> String {
    let counts = sorted_counts(run).into_iter().filter(|(_, count)| *count != 0);
    let counts: Vec<_> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { "there was nothing to do".to_owned() } else { counts.join(", ") }
}

/// Prints the run with all its counts.
pub(super) fn print_run(run: &JobRun) {
    print_line(format!("{} {}", run.name, state_name(run)));
    for (name, count) in sorted_counts(run) {
        print_line(format!("  {name} {count}"));
    }
    if !run.report.is_empty() {
        print_line(format!("  {}", run.report));
    }
}

fn sorted_counts(run: &JobRun) -> BTreeMap<&str, i32> {
    run.outcome.iter().map(|(name, count)| (name.as_str(), *count)).collect()
}

#[cfg(test)]
mod tests {
    use rollcall_proto::v1::JobRunState;

    use super::*;

    fn run(state: JobRunState, outcome: &[(&str, i32)]) -> JobRun {
        let outcome = outcome.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        JobRun { state: state.into(), outcome, ..Default::default() }
    }

    #[test]
    fn only_a_run_without_failed_organizations_succeeds() {
        use JobRunState::{Cancelled, Failed, Pending, Running, Skipped, Succeeded};
        let good = run(Succeeded, &[("organizations_migrated", 2), ("organizations_failed", 0)]);
        assert!(check_succeeded(&good).is_ok());
        let bad = run(Succeeded, &[("organizations_migrated", 1), ("organizations_failed", 1)]);
        assert!(check_succeeded(&bad).is_err());
        for state in [Failed, Skipped, Running, Pending, Cancelled] {
            assert!(check_succeeded(&run(state, &[])).is_err(), "{state:?}");
        }
    }

    #[test]
    fn a_cancelled_run_says_that_its_finished_work_is_kept() {
        let cancelled = JobRun { name: "jobs/j/runs/1".to_owned(), ..run(JobRunState::Cancelled, &[("members", 2)]) };
        let message = check_succeeded(&cancelled).unwrap_err().to_string();
        assert_eq!(message, "jobs/j/runs/1 was cancelled; the work that it finished is kept");
    }
}
