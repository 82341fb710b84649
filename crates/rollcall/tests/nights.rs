//! Many nights with five replicas of `rollcall jobs`. The clocks of their hosts are wrong by up to ten minutes, and
//! the replicas are killed, paused, silenced, disconnected from the database and terminated at any moment. Each night
//! that was not missed has exactly one report, no organization is migrated twice, no zombie has an effect, and a run
//! of a dead process is taken over within the lease time.
//!
//! A seed generates the faults. `ROLLCALL_SEED` sets another seed, and `ROLLCALL_NIGHTS=1000` sets the number of
//! nights. The results of a long run are in `docs/simulations.md`. The clocks are wrong only if libfaketime is
//! installed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]
#![allow(dead_code, reason = "of what the kill tests share, this one uses a part")]

mod support {
    pub(crate) mod copies;
    pub(crate) mod kill_seed;
    pub(crate) mod kill_server;
    pub(crate) mod kill_state;
    pub(crate) mod nights_fleet;
    pub(crate) mod nights_log;
    pub(crate) mod nights_plan;
    pub(crate) mod nights_world;
    pub(crate) mod process;
    pub(crate) mod self_check;
}

use std::time::Instant;

use support::{nights_world::Simulation, process::number};

/// Prints the seed if a night fails.
struct SeedReport(u64);

impl Drop for SeedReport {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the nights of ROLLCALL_SEED={} went wrong", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_night_has_one_report_whatever_happens_to_the_replicas() {
    let (nights, seed) = (number("ROLLCALL_NIGHTS", 15), number("ROLLCALL_SEED", 7));
    let _report = SeedReport(seed);
    let mut world = Simulation::begin(seed).await;
    let skew = if world.is_skewed() { "up to ten minutes" } else { "none: libfaketime is not installed" };
    println!("{nights} nights, seed {seed}, wrong clocks: {skew}");
    let start = Instant::now();
    for night in 1..=nights {
        world.night().await;
        if night % 50 == 0 {
            let summary = world.assert_all().await;
            println!("{night} nights, {} s: {:?}; {summary:?}", start.elapsed().as_secs(), world.counts);
        }
    }
    let summary = world.assert_all().await;
    println!("{nights} nights, seed {seed}, {} s: {:?}; {summary:?}", start.elapsed().as_secs(), world.counts);
}
