//! A point of a run, and what happens there.

use rand::{RngExt as _, rngs::StdRng};
use rollcall_testkit::Direction;

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disturbance {
    /// The process gets SIGKILL.
    Kill,
    /// The server ends all of its sessions.
    Terminate,
    /// Its connections are cut.
    Cut,
}

/// A point of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// What happens there.
    pub(crate) disturbance: Disturbance,
    /// Which bytes are counted.
    pub(crate) direction: Direction,
    /// After how many of them.
    pub(crate) byte: u64,
    /// Whether it is so near the end that the run may be over before.
    pub(crate) late: bool,
}

impl Point {
    /// Draws the point of a round. The disturbances take turns.
    pub(crate) fn draw(rng: &mut StdRng, round: u64, bytes: [u64; 2]) -> Self {
        let disturbance = [Disturbance::Kill, Disturbance::Cut, Disturbance::Terminate][(round % 3) as usize];
        let (direction, bytes) =
            if rng.random() { (Direction::ToDatabase, bytes[0]) } else { (Direction::ToService, bytes[1]) };
        let byte = rng.random_range(0..bytes);
        Self { disturbance, direction, byte, late: byte > bytes / 10 * 9 }
    }
}
