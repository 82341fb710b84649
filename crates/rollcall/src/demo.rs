//! `rollcall demo`: starts the service in this process, shows the demo on it, and keeps serving.

use rollcall_cli::{
    demo::{Demo, DemoArguments},
    print_line,
};

use crate::{
    config::Config,
    database::Database,
    error::{Error, Result},
    serve::{Service, Work},
    shutdown::Shutdown,
};

/// Runs the demo.
///
/// # Errors
/// A step of the demo fails. With `--once`, also if the migration did not prove that every member's behaviour stayed
/// the same.
pub(crate) async fn run(config: &Config, arguments: &DemoArguments, shutdown: &Shutdown) -> Result {
    if config.no_jobs {
        return Err(Error::usage("`rollcall demo` runs jobs: leave out --no-jobs (ROLLCALL_NO_JOBS)"));
    }
    let mut demo = Demo::start(arguments)?;
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return interrupted(arguments) };
    demo.step_done(database.notice().unwrap_or_else(|| "the database of DATABASE_URL".to_owned()));
    let result = run_on(&database, config, arguments, demo, shutdown).await;
    result.and(database.close().await)
}

/// Returns the result of an interrupted demo. With `--once`, the exit code 0 would claim a proof.
fn interrupted(arguments: &DemoArguments) -> Result {
    if arguments.once { Err(Error::failed("interrupted before the proof")) } else { Ok(()) }
}

async fn run_on(
    database: &Database,
    config: &Config,
    arguments: &DemoArguments,
    demo: Demo,
    shutdown: &Shutdown,
) -> Result {
    // The printed calls use no TLS.
    let mut service = Service::start(&config.without_tls(), &database.db, Work::CallsAndJobs).await?;
    let address = service.address;
    let shown = tokio::select! {
        shown = demo.show(address, config.credentials.token_file.as_deref()) => shown,
        ended = service.ended() => ended,
        () = shutdown.requested() => interrupted(arguments),
    };
    let result = if arguments.once || shown.is_err() {
        shown
    } else {
        print_line(format!("\nServing on http://{address} until Ctrl-C."));
        shutdown.interrupts(service.ended()).await.unwrap_or(Ok(()))
    };
    result.and(service.stop().await)
}
