//! The outcome of a job's run, as text and as success or failure.

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
pub fn check_succeeded(run: &JobRun) -> Result {
    let JobRun { name, failure, .. } = run;
    let state = state_name(run);
    if state == "CANCELLED" {
        return Err(Error::failed(format!("{name} was cancelled; the work that it finished is kept")));
    }
    if state != "SUCCEEDED" {
        let colon = if failure.is_empty() { "" } else { ": " };
        return Err(Error::failed(format!("{name} is {state}{colon}{failure}")));
    }
    match run.outcome.iter().find(|(name, count)| name.contains("failed") && **count > 0) {
        Some((what, count)) => Err(Error::failed(format!("{name} ended, but {what} is {count}"))),
        None => Ok(()),
    }
}

/// Returns the counts of the run in one line, such as `members 44, organizations_migrated 1`.
pub(crate) fn outcome_line(run: &JobRun) -> String {
    let counts = run.outcome.iter().filter(|(_, count)| **count != 0);
    let counts: Vec<_> = counts.map(|(name, count)| format!("{name} {count}")).collect();
    if counts.is_empty() { "there was nothing to do".to_owned() } else { counts.join(", ") }
}

/// Prints a run that has ended, with all its counts.
///
/// # Errors
/// The run did not succeed, or it counted something as failed.
pub fn print_result(run: &JobRun) -> Result {
    print_line(format!("{} {}", run.name, state_name(run)));
    for (name, count) in &run.outcome {
        print_line(format!("  {name} {count}"));
    }
    if !run.report.is_empty() {
        print_line(format!("  {}", run.report));
    }
    check_succeeded(run)
}
