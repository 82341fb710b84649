//! Bulk writes: the service against raw SQL that does the same writes to the same tables, in turn and in one run.

mod check;
mod floor;
mod pairs;
mod report;
mod service;

use std::process::ExitCode;

use clap::Parser;
use rollcall_bench::{Result, describe};

/// Measures bulk writes of the service against raw SQL.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "bulk")]
struct Arguments {
    /// The organization's size: 1 is 100,000 members in 1,000 groups with 500,000 memberships
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = scale)]
    scale: f64,
    /// How many organizations are measured, each by the service and then by raw SQL
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Let Postgres know nothing yet of the organization that is measured: statistics and cached plans are of before
    #[arg(long)]
    young: bool,
    /// Print the result as Markdown, for docs/benchmarks/bulk.md
    #[arg(long)]
    markdown: bool,
    /// Also show what Postgres took long for, which takes some time itself
    #[arg(long)]
    statements: bool,
}

fn scale(text: &str) -> std::result::Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (0.001..=10.0).contains(factor));
    factor.ok_or_else(|| "give a number from 0.001 to 10".to_owned())
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bulk: {}", describe(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result {
    if cfg!(debug_assertions) {
        eprintln!("bulk: this is not a release build: its figures mean nothing");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        tokio::select! {
            done = pairs::run(arguments) => done,
            signal = tokio::signal::ctrl_c() => {
                signal?;
                Err("interrupted".into())
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
        assert!(scale("0.01").is_ok() && scale("0").is_err() && scale("much").is_err());
    }
}
