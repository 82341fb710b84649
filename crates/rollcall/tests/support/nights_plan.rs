//! What is to happen in each night: drawn from a seed, so that a seed makes the same decisions again.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rollcall_testkit::Direction;

/// What happens to a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Blow {
    /// SIGKILL.
    Kill,
    /// SIGSTOP; it goes on later, perhaps nights later.
    Pause,
    /// Its connections to the database are cut.
    Cut,
    /// Its connections go silent, old ones and new ones.
    Silence,
    /// SIGTERM: it is asked to end.
    Stop,
}

/// A blow for whoever is the first to carry so much of the night's work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ambush {
    /// What happens.
    pub(crate) blow: Blow,
    /// Which direction bytes are counted.
    pub(crate) direction: Direction,
    /// After what part of about as many bytes as the last night's work took.
    pub(crate) part: f64,
}

/// One night.
#[derive(Clone, Debug)]
pub(crate) struct Night {
    /// Nights before it in which the clock passes by.
    pub(crate) missed: u32,
    /// New organizations in phase LEGACY.
    pub(crate) organizations: usize,
    /// Whether a migration is asked for.
    pub(crate) migration: bool,
    /// A blow for any replica before the night begins.
    pub(crate) before: Option<(Blow, usize)>,
    /// Blows for those who work.
    pub(crate) ambushes: Vec<Ambush>,
    /// Which replicas are mended when it is over.
    pub(crate) mended: Vec<bool>,
}

/// Draws nights.
pub(crate) struct Plan {
    rng: StdRng,
    replicas: usize,
}

impl Plan {
    /// From a seed.
    pub(crate) fn new(seed: u64, replicas: usize) -> Self {
        Self { rng: StdRng::seed_from_u64(seed), replicas }
    }

    /// The next night.
    pub(crate) fn next(&mut self) -> Night {
        let (rng, replicas) = (&mut self.rng, self.replicas);
        let missed = if rng.random_bool(0.1) { rng.random_range(1..4) } else { 0 };
        let before = rng.random_bool(0.25).then(|| (blow(rng), rng.random_range(0..replicas)));
        // A run has three attempts: two blows leave it the last one.
        let ambushes = [0, 0, 1, 1, 1, 1, 2, 2][rng.random_range(0..8)];
        Night {
            missed,
            organizations: usize::from(rng.random_bool(0.1)),
            migration: rng.random_bool(0.15),
            before,
            ambushes: (0..ambushes).map(|_| ambush(rng)).collect(),
            mended: (0..replicas).map(|_| rng.random_bool(0.6)).collect(),
        }
    }

    /// By how many seconds the clock of a replica's host is wrong: up to ten minutes.
    pub(crate) fn skew(&mut self) -> f64 {
        self.rng.random_range(-600.0..=600.0)
    }
}

fn blow(rng: &mut StdRng) -> Blow {
    [Blow::Kill, Blow::Pause, Blow::Cut, Blow::Silence, Blow::Stop][rng.random_range(0..5)]
}

fn ambush(rng: &mut StdRng) -> Ambush {
    let direction = if rng.random() { Direction::ToDatabase } else { Direction::ToService };
    Ambush { blow: blow(rng), direction, part: rng.random_range(0.0..1.2) }
}
