//! Measures bulk writes of the service against raw SQL that writes the same rows to the same tables.

mod check;
mod floor;
mod pairs;
mod report;
mod service;
mod steps;

use std::process::ExitCode;

use clap::Parser;
use rollcall_bench::program::{parse_scale, run as run_benchmark};

/// Measures bulk writes of the service against raw SQL.
#[derive(Clone, Copy, Debug, Parser)]
#[command(name = "bulk")]
struct Arguments {
    /// The organization's size: 1 is 100,000 members in 1,000 groups with 500,000 memberships
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_scale)]
    scale: f64,
    /// The number of measured organizations, each by the service and then by raw SQL
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pairs: u32,
    /// Keep the statistics and cached plans of Postgres older than the measured organization
    #[arg(long)]
    young: bool,
    /// Print the result as Markdown, for docs/benchmarks/bulk.md
    #[arg(long)]
    markdown: bool,
    /// Also print the slow statements of Postgres, which takes some time itself
    #[arg(long)]
    statements: bool,
}

fn main() -> ExitCode {
    run_benchmark("bulk", pairs::run(Arguments::parse()))
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
