//! `job list`: every job, when it runs, and what became of its last run.

use rollcall_proto::v1::{Job, JobRun, ListJobsRequest};

use crate::{
    commands::JobListArguments,
    config::Config,
    error::Result,
    job_run::Ended,
    local::on_server,
    progress::say,
    remote::{self, Remote},
    shutdown::Shutdown,
};

/// `rollcall job list`.
///
/// # Errors
/// When the server does not answer.
pub(crate) async fn run(config: &Config, arguments: &JobListArguments, shutdown: &Shutdown) -> Result {
    on_server(config, arguments.target.as_ref(), shutdown, async |remote| list(&remote).await).await
}

async fn list(remote: &Remote) -> Result {
    let mut page_token = String::new();
    loop {
        let request = ListJobsRequest { page_token, ..Default::default() };
        let answered = remote.jobs().list_jobs(request).await;
        let page = answered.map_err(remote::refused("cannot list the jobs"))?.into_inner();
        page.jobs.iter().for_each(|job| say(text(job)));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(());
        }
    }
}

/// The job and its next run in a line, then a line for each run.
fn text(job: &Job) -> String {
    let name = job.name.strip_prefix("jobs/").unwrap_or(&job.name);
    let when = match &job.next_run_time {
        Some(next) => format!("{} {}, next at {next}", job.schedule, job.time_zone),
        None => "only when asked".to_owned(),
    };
    let mut lines = vec![format!("{name}: {when}")];
    lines.extend(job.current_run.as_ref().map(|run| format!("  current: {}", run_text(run))));
    lines.push(match &job.last_run {
        Some(run) => format!("  last: {}", run_text(run)),
        None => "  last: none".to_owned(),
    });
    lines.join("\n")
}

fn run_text(run: &JobRun) -> String {
    let time = run.end_time.or(run.start_time).or(run.scheduled_time);
    let ended = Ended::from(run.clone());
    let failure = if run.failure.is_empty() { String::new() } else { format!("; {}", run.failure) };
    let time = time.map(|time| format!(" at {time}")).unwrap_or_default();
    let report = if run.report.is_empty() { String::new() } else { format!(", {}", run.report) };
    format!("{}{time}: {}{report}{failure} ({})", ended.state, ended.outcome(), run.name)
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
            text(&job),
            "j: 0 2 * * * UTC, next at 2026-11-26T02:00:00Z\n  \
             last: FAILED at 2026-11-25T22:00:00Z: rows 3; no disk (jobs/j/runs/1)"
        );
        let asked = Job { name: "jobs/j".to_owned(), ..Default::default() };
        assert_eq!(text(&asked), "j: only when asked\n  last: none");
    }
}
