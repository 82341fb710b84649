//! `kill -9` of the process, closed connections, `pg_terminate_backend`, a cancelled statement, a full disk or a wrong
//! clock of the database, after any byte of a migration of 200 organizations and of a report over them: the process that
//! takes over gives the undisturbed result, with the same bytes for the report.
//!
//! A seed generates the points. `ROLLCALL_SEED` sets another seed, and `ROLLCALL_KILLS=500` sets the number of
//! points. The results of a long run are in `docs/simulations.md`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]
#![allow(dead_code, reason = "of what the kill tests share, this one uses a part")]

mod support {
    pub(crate) mod anywhere_point;
    pub(crate) mod anywhere_scene;
    pub(crate) mod copies;
    pub(crate) mod kill_seed;
    pub(crate) mod kill_server;
    pub(crate) mod kill_state;
    pub(crate) mod process;
    pub(crate) mod self_check;
}

use std::collections::BTreeMap;

use rand::{SeedableRng as _, rngs::StdRng};
use support::{
    anywhere_point::Point,
    anywhere_scene::RunScenario,
    process::{MIGRATION, REPORT, number},
};

const ORGANIZATIONS: usize = 200;

/// Disturbs the run of a job at half of the points.
async fn disturb(job: &'static str) {
    let (points, seed) = (number("ROLLCALL_KILLS", 20).div_ceil(2), number("ROLLCALL_SEED", 4));
    println!("{job}: {points} points, seed {seed}");
    let scene = RunScenario::begin(job, ORGANIZATIONS).await;
    let (expected, bytes) = scene.undisturbed().await;
    println!("{job}: undisturbed it is {bytes:?} bytes and {}", expected.outcome);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for round in 0..points {
        let point = Point::draw(&mut rng, round, bytes);
        println!("{job} {round}: {point:?}");
        let end = scene.disturbed(&point).await;
        assert!(end.csv == expected.csv, "the report is another one after {point:?}, seed {seed}");
        assert_eq!(end.outcome, expected.outcome, "after {point:?}, seed {seed}");
        assert!(end.organizations == expected.organizations, "after {point:?}, seed {seed}");
        *counts.entry(point.disturbance).or_default() += 1;
    }
    println!("{job}: {points} points, seed {seed}: {counts:?}; every end was the undisturbed one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_killed_anywhere_gives_the_undisturbed_result() {
    disturb(MIGRATION).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_killed_anywhere_has_the_same_bytes() {
    disturb(REPORT).await;
}
