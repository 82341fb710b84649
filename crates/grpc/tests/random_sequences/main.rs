//! Random sequences of changes, compared with a naive model of product.md (`model`). After each change
//! the API shows the same organization as the model, and the change had the effect that its preview
//! predicted. Some changes first fail on a full disk, and some happen while the clock of the database is five days
//! ahead. `concurrent_writers` compares the model with the stored rows instead.
//!
//! `ROLLCALL_STORIES` sets the number of sequences. `ROLLCALL_STORY` plays the one sequence with that
//! number. A sequence that fails is shrunk and printed as grpcurl calls.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test panics if its setup fails")]

mod api_snapshot;
mod burst;
mod concurrent_writers;
mod database_faults;
mod decisions;
mod generate;
mod generate_syncs;
mod model;
mod player;
mod responses;
mod sequence;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use database_faults::DatabaseFaults;
use player::SequencePlayer;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rollcall_testkit::TestServer;
use sequence::Sequence;
use tokio::runtime::{Builder, Runtime};

/// The number of sequences without `ROLLCALL_STORIES`.
const SEQUENCES: u64 = 40;

/// The number of parallel workers. Each worker has its own server, because the migration job migrates all
/// organizations of a server.
const WORKERS: usize = 2;

/// The time limit for shrinking a sequence that fails, in milliseconds.
const SHRINKING: u32 = 300_000;

fn env_number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is not a number")))
}

#[test]
fn the_api_shows_the_organization_of_the_model_after_every_change() {
    let numbers = match env_number("ROLLCALL_STORY") {
        Some(number) => number..number + 1,
        None => 0..env_number("ROLLCALL_STORIES").unwrap_or(SEQUENCES),
    };
    let (next, began) = (AtomicU64::new(numbers.start), Instant::now());
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| run_worker(&runtime, &next, numbers.end))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a sequence fails")).fold(BTreeMap::new(), add_counts)
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("{} sequences in {seconds:.1} s: {counts:?}", numbers.end - numbers.start);
}

/// The number of occurrences by RPC or event.
type StepCounts = BTreeMap<String, usize>;

fn add_counts(mut all: StepCounts, more: StepCounts) -> StepCounts {
    for (what, count) in more {
        *all.entry(what).or_default() += count;
    }
    all
}

/// Plays sequences until none is left.
fn run_worker(runtime: &Runtime, next: &AtomicU64, end: u64) -> StepCounts {
    let (server, faults) = runtime.block_on(DatabaseFaults::start_server());
    let mut counts = StepCounts::new();
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= end {
            break;
        }
        counts = add_counts(counts, play(runtime, (&server, &faults), number));
    }
    runtime.block_on(server.stop());
    counts
}

fn play(runtime: &Runtime, (server, faults): (&TestServer, &DatabaseFaults), number: u64) -> StepCounts {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_time: SHRINKING,
        max_shrink_iters: 10_000,
        ..Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let counts = std::cell::RefCell::new(StepCounts::new());
    let played = runner.run(&sequence::sequences(), |sequence: Sequence| {
        let mut player = SequencePlayer::new(server, faults);
        let ended = runtime.block_on(player.play(&sequence));
        counts.replace(std::mem::take(&mut player.counts));
        ended.map_err(|why| {
            println!("ROLLCALL_STORY={number} fails with {} steps: {why}", sequence.steps.len());
            TestCaseError::fail(player.report(&why))
        })
    });
    match played {
        Ok(()) => counts.into_inner(),
        Err(TestError::Fail(report, sequence)) => {
            let steps = sequence.steps.len();
            panic!("ROLLCALL_STORY={number} fails after {steps} relevant steps:\n{report}")
        }
        Err(TestError::Abort(why)) => panic!("ROLLCALL_STORY={number}: {why}"),
    }
}
