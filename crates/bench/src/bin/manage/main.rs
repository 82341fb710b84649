//! Measures what tech admins do in a large organization against raw SQL that reads and writes the same rows: explain a
//! member, list all members, and change the order of the assignments.

mod floor;
mod run;
mod service;

use std::process::ExitCode;

use clap::Parser;
use rollcall_bench::program::{parse_scale, run as run_benchmark};

/// Measures the management API against raw SQL.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "manage")]
struct Arguments {
    /// The organization's size: 1 is 100,000 members in 1,000 groups with 500,000 memberships
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    scale: f64,
    /// The number of listed assignments
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u16).range(2..=1000))]
    assignments: u16,
    /// How often each step is measured, by the service and then by raw SQL
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
}

fn main() -> ExitCode {
    run_benchmark("manage", run::run(Arguments::parse()))
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
