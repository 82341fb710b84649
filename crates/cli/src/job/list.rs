//! `rollcall job list`: shows every job with its schedule and its runs.

use rollcall_proto::v1::{Job, JobRun, ListJobsRequest};

use super::outcome::{outcome_line, state_name};
use crate::{
    connection::{ServerConnection, answer},
    error::Result,
    output::print_line,
};

/// `rollcall job list`.
///
/// # Errors
/// The call fails.
pub async fn run(server: &ServerConnection) -> Result {
    let mut page_token = String::new();
    loop {
        let request = ListJobsRequest { page_token, ..Default::default() };
        let page = answer("cannot list the jobs", server.jobs().list_jobs(request).await)?;
        page.jobs.iter().for_each(|job| print_line(job_text(job)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

/// Returns one line with the job and its next run, and one line for each run.
#[must_use]
pub fn job_text(job: &Job) -> String {
    let name = job.name.strip_prefix("jobs/").unwrap_or(&job.name);
    let schedule = match &job.next_run_time {
        Some(next) => format!("{} {}, next at {next}", job.schedule, job.time_zone),
        None => "only on request".to_owned(),
    };
    let current = job.current_run.as_ref().map(|run| format!("\n  current: {}", run_text(run))).unwrap_or_default();
    let last = job.last_run.as_ref().map_or("none".to_owned(), run_text);
    format!("{name}: {schedule}{current}\n  last: {last}")
}

fn run_text(run: &JobRun) -> String {
    let time = run.end_time.or(run.start_time).or(run.scheduled_time);
    let time = time.map(|time| format!(" at {time}")).unwrap_or_default();
    let report = if run.report.is_empty() { String::new() } else { format!(", {}", run.report) };
    let failure = if run.failure.is_empty() { String::new() } else { format!("; {}", run.failure) };
    format!("{}{time}: {}{report}{failure} ({})", state_name(run), outcome_line(run), run.name)
}
