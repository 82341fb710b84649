//! The binary `rollcall`: configuration, the commands, telemetry and shutdown around the service.

mod commands;
mod config;
mod database;
mod demo;
mod error;
mod folder;
mod importing;
mod job_list;
mod job_run;
mod local;
mod migrating;
mod progress;
mod remote;
mod report;
mod serve;
mod shutdown;
mod table;
mod telemetry;

use std::{env, process::ExitCode, time::Duration};

use commands::{Cli, Command};
use error::{Error, Result};
use shutdown::Shutdown;
use telemetry::Telemetry;

/// What still runs when everything has ended, such as a start that was interrupted, gets this long.
const LAST_WORDS: Duration = Duration::from_secs(10);

/// Runs the program and answers its exit code: 0 for success, 1 for a failure, 2 for bad usage.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rollcall: {error}");
            error.exit_code()
        }
    }
}

fn run() -> Result {
    let Some(cli) = config::parse(env::args_os())? else { return Ok(()) };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::doing("cannot start"))?;
    let result = runtime.block_on(run_command(cli));
    runtime.shutdown_timeout(LAST_WORDS);
    result
}

async fn run_command(cli: Cli) -> Result {
    let command = cli.command.unwrap_or(Command::Serve);
    let telemetry = Telemetry::start(&cli.config, command.log_default())?;
    let shutdown = Shutdown::on_signals()?;
    let result = command.run(&cli.config, &shutdown).await;
    telemetry.stop().await;
    result
}
