//! How the cost of each RPC grows: with the members of an organization, with its assignments, and with the number of
//! organizations. Each scene has a new database and a new server. A point read and a scan by raw SQL are measured in the
//! same scene, as the floor.

mod calls;
mod floor;
mod growth_table;
mod measure;
mod scene;

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use rollcall_bench::{Result, machine, postgres::Postgres, program::run};

use crate::{growth_table::GrowthTable, measure::SceneResults, scene::Scene};

/// The assignments and organizations of the usual scene.
const ASSIGNMENTS: usize = 10;

/// Measures how the cost of each RPC grows.
#[derive(Clone, Debug, Parser)]
#[command(name = "growth")]
struct Arguments {
    /// The most members: powers of ten from 1,000 up to this number are measured
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    members: u32,
    /// The most assignments, in an organization of 10,000 members or of the most members
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(20..=10_000))]
    assignments: u32,
    /// The most organizations, each of 10 members, beside one of the fewest members
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=10_000))]
    organizations: u32,
    /// How often each call is made; calls that read everything are made three times
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    calls: u32,
    /// The file for the results, such as docs/benchmarks/growth.md
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,
}

impl Arguments {
    /// The numbers of members that are measured.
    fn sizes(&self) -> Vec<usize> {
        let most = self.members as usize;
        let mut sizes: Vec<usize> =
            [1_000, 10_000, 100_000, 1_000_000].into_iter().filter(|size| *size < most).collect();
        sizes.push(most);
        sizes
    }

    /// The scenes: one for each number of members, then many assignments, then many organizations.
    fn scenes(&self) -> Vec<Scene> {
        let sizes = self.sizes();
        let usual = Scene { members: sizes[0], assignments: ASSIGNMENTS, organizations: 1 };
        let many_assignments = Scene { members: self.medium(), assignments: self.assignments as usize, ..usual };
        let many_organizations = Scene { organizations: self.organizations as usize, ..usual };
        let by_members = sizes.into_iter().map(|members| Scene { members, ..usual });
        by_members.chain([many_assignments, many_organizations]).collect()
    }

    /// The number of members of the scene with many assignments.
    fn medium(&self) -> usize {
        self.sizes().get(1).or(self.sizes().first()).copied().unwrap_or_default()
    }
}

fn main() -> ExitCode {
    run("growth", benchmark(Arguments::parse()))
}

async fn benchmark(arguments: Arguments) -> Result {
    let mut results = Vec::new();
    let mut described = String::new();
    for scene in arguments.scenes() {
        eprintln!("{scene}");
        let postgres = Postgres::start().await?;
        let built = scene.build(&postgres).await?;
        described = machine::describe(&built.database.client).await?;
        let measured = measure::measure(&built, arguments.calls).await;
        if measured.is_err() {
            eprintln!("{}", built.server.last_lines());
        }
        results.push(SceneResults { scene, calls: measured? });
        built.stop().await?;
        postgres.stop().await?;
    }
    let text = GrowthTable::new(&results).render(&described, arguments.calls);
    print!("{text}");
    if let Some(path) = &arguments.output {
        std::fs::write(path, text)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn each_scene_changes_one_number() {
        let arguments = Arguments::try_parse_from(["growth"]).unwrap();
        let scenes: Vec<_> =
            arguments.scenes().iter().map(|scene| (scene.members, scene.assignments, scene.organizations)).collect();
        let expected = [(1_000, 10, 1), (10_000, 10, 1), (100_000, 10, 1), (10_000, 10_000, 1), (1_000, 10, 10_000)];
        assert_eq!(scenes, expected);
    }
}
