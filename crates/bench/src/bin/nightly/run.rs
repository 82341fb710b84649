//! The run: it writes the rows once, and each pair works on fresh copies of them.

use rollcall_bench::{
    Result, machine,
    memory::{Peak, peak_during},
    postgres::{BenchDatabase, Postgres},
    program::timed,
    seed,
    server::ServerProcess,
};
use rollcall_proto::v1::JobRun;

use crate::{
    Arguments, MEMBERS, floor,
    results::{Export, Results},
    service::{download, duration, export, run_job},
    table,
};

pub(crate) async fn run(arguments: Arguments) -> Result {
    let postgres = Postgres::start().await?;
    let seeded = postgres.database("seeded", false).await?;
    eprintln!("writing {} organizations", arguments.organizations());
    seed::organizations(&seeded.client, arguments.organizations(), "LEGACY", MEMBERS).await?;
    seeded.settle().await?;
    let mut results = Results { machine: machine::describe(&seeded.client).await?, ..Default::default() };
    drop(seeded);
    for pair in 1..=arguments.pairs {
        by_both(&postgres, arguments, pair, &mut results).await?;
    }
    print!("{}", table::render(arguments, &results));
    postgres.stop().await
}

/// Measures both jobs by the service and by raw SQL, each on a copy of its own. The last pair also measures the large
/// organization.
async fn by_both(postgres: &Postgres, arguments: Arguments, pair: u32, results: &mut Results) -> Result {
    let service = postgres.copy("seeded", "service", arguments.statements).await?;
    let raw = postgres.copy("seeded", "floor", false).await?;
    let reports = postgres.dir().join(format!("reports-{pair}"));
    let server = ServerProcess::start(&service.url, &reports, &[]).await?;
    let mut log_read = 0;
    postgres.slow_statements(&mut log_read)?;
    let measured = measure(postgres, &server, (&service, &raw), results).await;
    if let Err(error) = measured {
        eprint!("{}", server.last_lines());
        return Err(error);
    }
    if arguments.statements {
        eprint!("{}", table::statements(&postgres.slow_statements(&mut log_read)?));
    }
    if pair == arguments.pairs {
        results.export = Some(large(arguments, &service, &server).await?);
    }
    server.stop().await?;
    drop((service, raw));
    postgres.drop("service").await?;
    postgres.drop("floor").await
}

async fn measure(
    postgres: &Postgres,
    server: &ServerProcess,
    (service, raw): (&BenchDatabase, &BenchDatabase),
    results: &mut Results,
) -> Result {
    let (run, peak) = job(server, service, "settings-migration").await?;
    raw.settle().await?;
    let (floor, members) = floor::migrate(&raw.client).await?;
    if run.outcome.get("members").copied() != i32::try_from(members).ok() {
        return Err(format!("raw SQL wrote {members} members, the service {:?}", run.outcome).into());
    }
    results.migration.push(duration(&run)?, floor, peak);
    eprintln!("migration: service {:.2?}, raw SQL {floor:.2?}", duration(&run)?);

    let (run, peak) = job(server, service, "mixed-settings-report").await?;
    let file = postgres.dir().join("floor.csv");
    service.settle().await?;
    let floor = floor::report(&service.client, &file).await?;
    let report = download(&server.channel, &run).await?;
    results.report_bytes = report.len();
    same(report, tokio::fs::read(&file).await?)?;
    results.report.push(duration(&run)?, floor, peak);
    eprintln!("report: service {:.2?}, raw SQL {floor:.2?}", duration(&run)?);
    Ok(())
}

/// Does the maintenance of a database, then runs a job. Returns the run and the server's peak memory during it.
async fn job(server: &ServerProcess, database: &BenchDatabase, name: &str) -> Result<(JobRun, Option<Peak>)> {
    database.settle().await?;
    peak_during(server.memory(), run_job(&server.channel, name)).await
}

/// Checks that the two reports are the same, apart from the header and the line ends.
fn same(mut service: Vec<u8>, floor: Vec<u8>) -> Result {
    service.retain(|byte| *byte != b'\r');
    let body = service.iter().position(|byte| *byte == b'\n').map_or(&[][..], |end| &service[end + 1..]);
    if body == floor {
        return Ok(());
    }
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    Err(format!("the reports differ: {} lines by the service, {} by raw SQL", lines(body), lines(&floor)).into())
}

async fn large(arguments: Arguments, database: &BenchDatabase, server: &ServerProcess) -> Result<Export> {
    let members = arguments.organizations() * MEMBERS;
    eprintln!("writing an organization of {members} members");
    seed::large(&database.client, members).await?;
    database.settle().await?;
    let exporting = timed(export(&server.channel, seed::LARGE));
    let (((bytes, lines), took), peak) = peak_during(server.memory(), exporting).await?;
    Ok(Export { took, bytes, lines, peak })
}
