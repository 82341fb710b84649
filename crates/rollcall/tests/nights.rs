//! Night after night with five replicas of `rollcall jobs`, whose hosts' clocks are wrong by up to ten minutes, and which
//! are killed, paused, silenced, cut off from the database and told to end at any moment: each night that nobody missed
//! has exactly one report, no organization is migrated twice, no zombie has an effect, and a run whose process is gone
//! is taken over within the lease time.
//!
//! What happens is drawn from a seed: `ROLLCALL_SEED` gives another one, and `ROLLCALL_NIGHTS=1000` many more nights. The
//! results of a long run are in `docs/simulations.md`. Clocks are made wrong where libfaketime is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]
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
}

use std::time::Instant;

use support::{nights_world::World, process::number};

/// Says which seed it was when a night goes wrong.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the nights of ROLLCALL_SEED={} went wrong", self.0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_night_has_its_one_report_whatever_happens_to_the_replicas() {
    let (nights, seed) = (number("ROLLCALL_NIGHTS", 15), number("ROLLCALL_SEED", 7));
    let _told = Told(seed);
    let mut world = World::begin(seed).await;
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
