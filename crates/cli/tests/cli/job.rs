//! What `rollcall job` prints, and which run it accepts.

use prost_types::Timestamp;
use rollcall_cli::job::{list::job_text, outcome::check_succeeded};
use rollcall_proto::v1::{Job, JobRun, JobRunState};

#[test]
fn a_job_is_shown_with_its_next_and_last_run() {
    let run = JobRun {
        name: "jobs/j/runs/1".to_owned(),
        state: JobRunState::Failed.into(),
        end_time: Some(Timestamp { seconds: 1_795_644_000, nanos: 0 }),
        outcome: [("rows".to_owned(), 3)].into(),
        failure: "no disk".to_owned(),
        ..Default::default()
    };
    let job = Job {
        name: "jobs/j".to_owned(),
        schedule: "0 2 * * *".to_owned(),
        time_zone: "UTC".to_owned(),
        next_run_time: Some(Timestamp { seconds: 1_795_658_400, nanos: 0 }),
        last_run: Some(run),
        ..Default::default()
    };
    assert_eq!(
        job_text(&job),
        "j: 0 2 * * * UTC, next at 2026-11-26T02:00:00Z\n  \
         last: FAILED at 2026-11-25T22:00:00Z: rows 3; no disk (jobs/j/runs/1)"
    );
    let unscheduled = Job { name: "jobs/j".to_owned(), ..Default::default() };
    assert_eq!(job_text(&unscheduled), "j: only on request\n  last: none");
}

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
