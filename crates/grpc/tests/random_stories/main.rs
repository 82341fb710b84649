//! Random organizations under random sequences of changes: after each one, the organization that the
//! API shows is the one that a naive model of product.md has (`testkit::model`), and each change did
//! what its preview had told.
//!
//! `ROLLCALL_STORIES` says how many sequences to play, `ROLLCALL_STORY` plays one by its number. A
//! sequence that fails is made shorter, and printed as the calls of grpcurl that lead there.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on panics")]

mod burst;
mod compare;
mod play;
mod requests;
mod rows;
mod story;

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use play::Player;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use rollcall_testkit::TestServer;
use story::Story;
use tokio::runtime::{Builder, Runtime};

/// How many sequences are played when nobody says.
const STORIES: u64 = 40;

/// How many are played at once, each on a server of its own: the migration job is about all the
/// organizations of a server.
const WORKERS: usize = 2;

/// How long a sequence that fails is made shorter, in milliseconds.
const SHRINKING: u32 = 300_000;

fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap_or_else(|_| panic!("{variable} is no number")))
}

#[test]
fn what_is_stored_is_what_the_model_has_after_every_change() {
    let numbers = match asked("ROLLCALL_STORY") {
        Some(number) => number..number + 1,
        None => 0..asked("ROLLCALL_STORIES").unwrap_or(STORIES),
    };
    let (next, began) = (AtomicU64::new(numbers.start), Instant::now());
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(|| work(&runtime, &next, numbers.end))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a sequence fails")).fold(BTreeMap::new(), added)
    });
    let seconds = began.elapsed().as_secs_f64();
    println!("{} sequences in {seconds:.1} s: {counts:?}", numbers.end - numbers.start);
}

/// What happened, by a word, and how often.
type Counts = BTreeMap<String, usize>;

fn added(mut all: Counts, more: Counts) -> Counts {
    for (what, count) in more {
        *all.entry(what).or_default() += count;
    }
    all
}

/// Plays one sequence after the other, until none is left.
fn work(runtime: &Runtime, next: &AtomicU64, end: u64) -> Counts {
    let server = runtime.block_on(TestServer::start());
    let mut counts = Counts::new();
    loop {
        let number = next.fetch_add(1, Ordering::SeqCst);
        if number >= end {
            break;
        }
        counts = added(counts, play(runtime, &server, number));
    }
    runtime.block_on(server.stop());
    counts
}

fn play(runtime: &Runtime, server: &TestServer, number: u64) -> Counts {
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
    let counts = std::cell::RefCell::new(Counts::new());
    let played = runner.run(&story::stories(), |story: Story| {
        let mut player = Player::new(server);
        let ended = runtime.block_on(player.play(&story));
        counts.replace(std::mem::take(&mut player.counts));
        ended.map_err(|why| {
            println!("ROLLCALL_STORY={number} fails with {} steps: {why}", story.steps.len());
            TestCaseError::fail(player.told(&why))
        })
    });
    match played {
        Ok(()) => counts.into_inner(),
        Err(TestError::Fail(told, story)) => {
            let steps = story.steps.len();
            panic!("ROLLCALL_STORY={number} fails after {steps} steps that matter:\n{told}")
        }
        Err(TestError::Abort(why)) => panic!("ROLLCALL_STORY={number}: {why}"),
    }
}
