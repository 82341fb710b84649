//! `rollcall job list`: shows every job with its schedule and its runs.

use rollcall_proto::v1::{Job, JobRun, ListJobsRequest};
use url::Url;

use super::outcome::{outcome_line, state_name};
use crate::{
    connection::{ServerConnection, call_failed},
    error::Result,
    output::print_line,
    values,
};

/// The arguments of `job list`.
#[derive(Debug, clap::Args)]
pub struct JobListArguments {
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall job list`.
///
/// # Errors
/// The call fails.
pub async fn run(server: &ServerConnection) -> Result {
    let mut page_token = String::new();
    loop {
        let request = ListJobsRequest { page_token, ..Default::default() };
        let answered = server.jobs().list_jobs(request).await;
        let page = answered.map_err(call_failed("cannot list the jobs"))?.into_inner();
        page.jobs.iter().for_each(|job| print_line(job_text(job)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

/// Returns one line with the job and its next run, and one line for each run.
fn job_text(job: &Job) -> String {
    let name = job.name.strip_prefix("jobs/").unwrap_or(&job.name);
    let schedule = match &job.next_run_time {
        Some(next) => format!("{} {}, next at {next}", job.schedule, job.time_zone),
        None => "only when asked".to_owned(),
    };
    let mut lines = vec![format!("{name}: {schedule}")];
    lines.extend(job.current_run.as_ref().map(|run| format!("  current: {}", run_text(run))));
    lines.push(match &job.last_run {
        Some(run) => format!("  last: {}", run_text(run)),
        None => "  last: none".to_owned(),
    });
    lines.join("\n")
}

fn run_text(run: &JobRun) -> String {
    let time = run.end_time.or(run.start_time).or(run.scheduled_time);
    let time = time.map(|time| format!(" at {time}")).unwrap_or_default();
    let report = if run.report.is_empty() { String::new() } else { format!(", {}", run.report) };
    let failure = if run.failure.is_empty() { String::new() } else { format!("; {}", run.failure) };
    format!("{}{time}: {}{report}{failure} ({})", state_name(run), outcome_line(run), run.name)
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp;
    use rollcall_proto::v1::JobRunState;

    use super::*;

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
        let asked = Job { name: "jobs/j".to_owned(), ..Default::default() };
        assert_eq!(job_text(&asked), "j: only when asked\n  last: none");
    }
}
