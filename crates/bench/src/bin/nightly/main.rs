//! What runs unattended over every customer, against raw SQL on the same rows: the settings migration, the nightly
//! report, and the memory of one very large organization's team members report.

mod floor;
mod run;
mod seed;
mod service;
mod table;

use std::process::ExitCode;

use clap::Parser;
use rollcall_bench::program::{parse_scale, run as run_benchmark};

/// Measures the jobs over all organizations against raw SQL.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "nightly")]
struct Arguments {
    /// How many organizations of 1,000 members: 1 is 1,000 of them, and 1,000,000 members in the large one
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    scale: f64,
    /// How often each thing is measured, by the service and then by raw SQL, on a fresh copy of the rows
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Also show which statements Postgres spent its time on, which takes some time itself
    #[arg(long)]
    statements: bool,
}

impl Arguments {
    /// Organizations, each of [`seed::MEMBERS`] members.
    fn organizations(self) -> i32 {
        #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
        let organizations = (self.scale * 1_000.0).round() as i32;
        organizations
    }
}

fn main() -> ExitCode {
    run_benchmark("nightly", run::run(Arguments::parse()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
