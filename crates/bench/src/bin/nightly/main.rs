//! Measures the jobs over all organizations against raw SQL on the same rows: the settings migration and the nightly
//! report. Also measures the memory of the team members report of one very large organization.

mod floor;
mod results;
mod run;
mod service;
mod table;

use std::process::ExitCode;

use clap::Parser;
use rollcall_bench::program::{parse_scale, run as run_benchmark};

/// The number of members of each organization.
const MEMBERS: i32 = 1_000;

/// Measures the jobs over all organizations against raw SQL.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "nightly")]
struct Arguments {
    /// The number of organizations with 1,000 members each: 1 is 1,000 organizations. The large organization has as many
    /// members as all of them together
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    scale: f64,
    /// How often each job is measured, by the service and then by raw SQL, on a fresh copy of the rows
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Also show which statements Postgres spent its time on, which takes some time itself
    #[arg(long)]
    statements: bool,
}

impl Arguments {
    /// The number of organizations, each with [`MEMBERS`] members.
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
