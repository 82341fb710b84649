//! `rollcall migration cancel`: stops a run of the settings migration, or a run that changes many organizations.

use rollcall_proto::v1::{CancelJobRunRequest, JobRun, JobRunState, ListJobsRequest};
use url::Url;

use crate::{
    connection::{ServerConnection, answer},
    error::{Error, Result},
    output::print_line,
    values,
};

/// The jobs whose runs the command stops.
const JOBS: [&str; 2] = ["jobs/settings-migration", "jobs/migration-changes"];

/// The arguments of `migration cancel`.
#[derive(Debug, clap::Args)]
pub struct MigrationCancelArguments {
    /// The run, jobs/{job}/runs/{run}, if both a migration and a change of many organizations are in progress
    #[arg(value_name = "RUN")]
    pub run: Option<String>,
    /// Show which run would stop; stop nothing
    #[arg(long)]
    pub validate_only: bool,
    /// The running server, such as http://localhost:50051 [default: the database]
    #[arg(long, value_name = "URL", value_parser = values::server_url)]
    pub target: Option<Url>,
}

/// `rollcall migration cancel`.
///
/// # Errors
/// A call fails, or there is not exactly one run to stop.
pub async fn run(server: &ServerConnection, arguments: &MigrationCancelArguments) -> Result {
    let name = match &arguments.run {
        Some(run) => run.clone(),
        None => find_open_run(server).await?,
    };
    let request =
        CancelJobRunRequest { name: name.clone(), validate_only: arguments.validate_only, ..Default::default() };
    let call = server.jobs().cancel_job_run(request).await;
    let run = answer(format!("cannot stop the run {name}"), call)?.run.unwrap_or_default();
    print_line(cancel_text(&run, arguments.validate_only));
    Ok(())
}

async fn find_open_run(server: &ServerConnection) -> Result<String> {
    let request = ListJobsRequest { page_size: 1_000, ..Default::default() };
    let listed = answer("cannot list the jobs", server.jobs().list_jobs(request).await)?;
    let jobs = listed.jobs.into_iter().filter(|job| JOBS.contains(&job.name.as_str()));
    let open: Vec<String> = jobs.filter_map(|job| job.current_run).map(|run| run.name).collect();
    match open.as_slice() {
        [] => Err(Error::failed("no run of the settings migration is in progress")),
        [run] => Ok(run.clone()),
        runs => Err(Error::usage(format!("several runs are in progress; name one of them: {}", runs.join(", ")))),
    }
}

/// Returns what happens to the run.
#[must_use]
pub fn cancel_text(run: &JobRun, validate_only: bool) -> String {
    let name = &run.name;
    match run.state() {
        JobRunState::Pending | JobRunState::Running if validate_only => format!("{name} would stop"),
        JobRunState::Pending | JobRunState::Running => {
            format!("{name} stops after its current organization; what it has done stays done")
        }
        JobRunState::Cancelled => format!("{name} was stopped; what it has done stays done"),
        _ => format!("{name} has ended already"),
    }
}
