//! `rollcall demo`: shows the settings migration and the report on an organization, through the API of a server.
//!
//! The crate `rollcall` starts the server of the demo in its own process, and stops it.

pub mod calls;
pub mod proof;
mod result;
pub mod table;

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use rollcall_proto::v1::JobRun;

use crate::{
    connection::ServerConnection,
    error::Result,
    folder::OrganizationFolder,
    import::{ImportState, find_import_state, import_folder},
    job::{
        outcome::{check_succeeded, outcome_line},
        run::run_job_after_current_run,
    },
    output::{print_line, rejected_rows},
    progress::StepTimer,
};

const JOB_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The arguments of `demo`.
#[derive(Debug, clap::Args)]
pub struct DemoArguments {
    /// The organization's folder [default: the built-in sample `acme`]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// End after the result; exit with 0 only if the migration proved that no member's behaviour changed
    #[arg(long)]
    pub once: bool,
}

/// A demo, with its folder already read.
#[derive(Debug)]
pub struct Demo {
    folder: OrganizationFolder,
    timer: StepTimer,
}

impl Demo {
    /// Reads the organization's folder, and starts to measure the first step.
    ///
    /// # Errors
    /// The folder's name is no valid organization id, or a file is missing or wrong.
    pub fn start(arguments: &DemoArguments) -> Result<Self> {
        let folder = match &arguments.data {
            Some(dir) => OrganizationFolder::read(dir)?,
            None => OrganizationFolder::sample()?,
        };
        Ok(Self { folder, timer: StepTimer::start() })
    }

    /// Prints a finished step with the time that it took.
    pub fn step_done(&mut self, step: impl AsRef<str>) {
        self.timer.step_done(step);
    }

    /// Imports and migrates the organization, runs the report, and prints the result. `address` is where the server
    /// listens, and `token_file` has the token for it.
    ///
    /// # Errors
    /// A step fails, or the migration did not prove that every member's behaviour stayed the same.
    pub async fn show(mut self, address: SocketAddr, token_file: Option<&Path>) -> Result {
        let server = ServerConnection::open_local(address, token_file).await?;
        self.timer.step_done(format!("serving on http://{address}"));
        let rejected = self.import(&server).await?;
        self.run_job(&server, "settings-migration").await?;
        let run = self.run_job(&server, "mixed-settings-report").await?;
        if rejected > 0 {
            print_line(format!("\n{}: see above", rejected_rows(rejected)));
        }
        let organization = self.folder.organization.as_str();
        let parent = self.folder.name();
        let assignments = server.list_all_assignments(&parent).await?;
        let migration = result::get_migration(&server, &parent).await?;
        let member = result::find_example_member(&server, &parent).await?;
        let report = result::get_report(&server, &run.report).await?;
        print_line(format!("\n{}", table::assignment_table(&assignments)));
        print_line(format!("\n{}", proof::proof_text(&migration)));
        print_line(result::csv_line(&report));
        let calls = calls::grpcurl_calls(address, organization, member.as_ref());
        print_line(format!("\nCalls to try:\n\n{calls}"));
        proof::check_proof(organization, &migration)
    }

    /// Imports the organization, unless it exists. Returns the number of rejected rows.
    async fn import(&mut self, server: &ServerConnection) -> Result<u64> {
        if find_import_state(server, &self.folder).await? == ImportState::Complete {
            let id = &self.folder.organization;
            self.timer.step_done(format!("organization {id} exists already: nothing is imported"));
            return Ok(0);
        }
        import_folder(server, &self.folder, &mut self.timer).await
    }

    async fn run_job(&mut self, server: &ServerConnection, job: &str) -> Result<JobRun> {
        let run = run_job_after_current_run(server, job, JOB_TIMEOUT).await?;
        check_succeeded(&run)?;
        self.timer.step_done(format!("job {job}: {}", outcome_line(&run)));
        Ok(run)
    }
}
