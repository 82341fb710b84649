//! How much one organization can disturb another one. A quiet organization checks and writes at a steady rate, first alone,
//! then beside a noisy one that syncs its whole directory in a loop, downloads its CSV through slow readers and sends far
//! more changes than it may. The figures of the quiet organization alone are the floor of the same run.

mod load;
mod noise;
mod overload;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use rollcall_bench::{
    Result,
    directory::{SampleDirectory, Size},
    machine,
    postgres::Postgres,
    program::{parse_scale, run},
    server::ServerProcess,
};

use crate::{
    load::{Quiet, QuietLoad},
    noise::Noise,
};

/// The command line.
#[derive(Clone, Copy, Debug, Parser)]
#[command(about = "How much one organization can disturb another one")]
struct Arguments {
    /// The size of the noisy organization: 1 is 100,000 members
    #[arg(long, default_value = "1", value_parser = parse_scale)]
    scale: f64,
    /// How many seconds each part is measured
    #[arg(long, default_value_t = 30)]
    seconds: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    run("neighbour", benchmark(arguments))
}

async fn benchmark(arguments: Arguments) -> Result {
    let postgres = Postgres::start().await?;
    let database = postgres.database("service", false).await?;
    let server = ServerProcess::start(&database.url, &postgres.dir().join("reports"), &["--no-jobs"]).await?;
    let machine = machine::describe(&database.client).await?;
    let length = Duration::from_secs(arguments.seconds);
    let quiet = Quiet::create(server.channel.clone()).await?;
    let directory = SampleDirectory::generate(Size::scaled(arguments.scale, 1));
    let mut noise = Noise::create(&server, directory).await?;
    database.settle().await?;

    println!("Machine: {machine}. Each part takes {} s.\n", arguments.seconds);
    let alone = quiet.measure(length).await;
    noise.start()?;
    let disturbed = quiet.measure(length).await;
    let made = noise.stop();
    print!("{}\n{made}\n", QuietLoad::table(&alone, &disturbed));
    print!("{}", overload::measure(&quiet, length).await?);
    server.stop().await?;
    postgres.stop().await
}
