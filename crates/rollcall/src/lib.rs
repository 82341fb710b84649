//! The program `rollcall`: `serve`, `jobs` and `migrate`, and the composition of all crates into one program, with
//! configuration, telemetry and shutdown. The commands that talk to a server are in `rollcall-cli`.

mod commands;
mod config;
mod database;
mod demo;
mod error;
mod installation;
mod job_run;
mod listeners;
mod local_server;
mod serve;
mod shutdown;
mod telemetry;

use std::{env, process::ExitCode, time::Duration};

use commands::{Cli, Command};
use error::{Error, Result};
use shutdown::Shutdown;
use telemetry::Telemetry;

/// How long the end of the process waits for blocking work, such as an interrupted start of the embedded Postgres.
const RUNTIME_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs the program and returns its exit code: 0 for success, 1 for a failure, 2 for bad usage.
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
    let Some(cli) = config::parse::<Cli>(env::args_os())? else { return Ok(()) };
    let runtime = tokio::runtime::Runtime::new().map_err(Error::doing("cannot start"))?;
    let result = runtime.block_on(run_command(cli));
    runtime.shutdown_timeout(RUNTIME_SHUTDOWN_TIMEOUT);
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
