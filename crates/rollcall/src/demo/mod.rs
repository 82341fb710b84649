//! `demo`: the main job on a real organization, all in one process, through the service's own API.

mod calls;
mod facts;
mod table;

use std::{net::SocketAddr, time::Duration};

use url::Url;

use crate::{
    commands::DemoArguments,
    config::Config,
    database::Database,
    error::{Error, Result},
    folder::Folder,
    importing::{Found, Import, found, rejected_rows},
    job_run::{self, Ended},
    progress::{Progress, say},
    remote::Remote,
    serve::{Service, Work},
    shutdown::Shutdown,
};
use facts::Facts;

const JOB_WITHIN: Duration = Duration::from_secs(30 * 60);

/// `rollcall demo`.
///
/// # Errors
/// When a step fails, and with `--once` also when the migration did not prove that nobody's behaviour changed.
pub(crate) async fn run(config: &Config, arguments: &DemoArguments, shutdown: &Shutdown) -> Result {
    if config.no_jobs {
        return Err(Error::usage("--no-jobs (ROLLCALL_NO_JOBS) does not go with `rollcall demo`, which runs jobs"));
    }
    let folder = match &arguments.data {
        Some(dir) => Folder::read(dir)?,
        None => Folder::sample()?,
    };
    let mut progress = Progress::start();
    let opened = shutdown.interrupts(Database::open(config)).await;
    let Some(database) = opened.transpose()? else { return interrupted(arguments) };
    progress.done(database.notice().unwrap_or_else(|| "the database of DATABASE_URL".to_owned()));
    let result = on_database(config, arguments, &folder, &database, shutdown, progress).await;
    let closed = database.close().await;
    result.and(closed)
}

/// Ctrl-C ends a demo cleanly; but with `--once` the exit code is the proof, and there is none.
fn interrupted(arguments: &DemoArguments) -> Result {
    if arguments.once { Err(Error::failed("interrupted before the proof")) } else { Ok(()) }
}

async fn on_database(
    config: &Config,
    arguments: &DemoArguments,
    folder: &Folder,
    database: &Database,
    shutdown: &Shutdown,
    progress: Progress,
) -> Result {
    let mut service = Service::start(config, &database.db, Work::CallsAndJobs).await?;
    let address = service.address;
    let shown = tokio::select! {
        shown = show(address, folder, progress) => shown,
        ended = service.ended() => ended,
        () = shutdown.requested() => interrupted(arguments),
    };
    let result = if arguments.once || shown.is_err() {
        shown
    } else {
        say(format!("\nServing on http://{address} until Ctrl-C."));
        shutdown.interrupts(service.ended()).await.unwrap_or(Ok(()))
    };
    let stopped = service.stop().await;
    result.and(stopped)
}

/// The main job, from the organization to the table.
///
/// # Errors
/// When a step fails, or the proof does.
async fn show(address: SocketAddr, folder: &Folder, mut progress: Progress) -> Result {
    let remote = Remote::connect(&own_url(address)?).await?;
    remote.healthy().await?;
    progress.done(format!("serving on http://{address}"));
    let (rejected, mut progress) = organization(&remote, folder, progress).await?;
    run_job(&remote, "settings-migration", &mut progress).await?;
    let report = run_job(&remote, "mixed-settings-report", &mut progress).await?;
    if rejected > 0 {
        say(format!("\n{}: see above", rejected_rows(rejected)));
    }
    let facts = Facts::gather(&remote, folder, &report).await?;
    say(format!("\n{}", table::of_assignments(&facts.assignments)));
    say(format!("\n{}", facts.proof()));
    say(facts.csv());
    say(format!("\nGo on with:\n\n{}", calls::grpcurl(address, folder.organization.as_str(), facts.member.as_ref())));
    facts.verdict(folder.organization.as_str())
}

/// The address at which this process reaches itself.
fn own_url(address: SocketAddr) -> Result<Url> {
    let text = format!("http://{}", calls::reachable(address));
    Url::parse(&text).map_err(Error::doing(format!("cannot use the address {text}")))
}

/// Imports the organization, unless it is there already. Answers how many rows were rejected.
async fn organization(remote: &Remote, folder: &Folder, mut progress: Progress) -> Result<(i32, Progress)> {
    if found(remote, folder).await? == Found::Whole {
        let id = &folder.organization;
        progress.done(format!("organization {id} exists already: it is taken as it is, nothing is imported"));
        return Ok((0, progress));
    }
    let mut import = Import::new(remote.clone(), folder, progress);
    let rejected = import.run().await?;
    Ok((rejected, import.progress))
}

async fn run_job(remote: &Remote, job: &str, progress: &mut Progress) -> Result<Ended> {
    let run = job_run::finish_in_turn(remote, job, JOB_WITHIN).await?;
    run.verdict()?;
    progress.done(format!("job {job}: {}", run.outcome()));
    Ok(run)
}
