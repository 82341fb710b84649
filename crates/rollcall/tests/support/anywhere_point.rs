//! A point of a run, and the disturbance at this point.

use rand::{RngExt as _, rngs::StdRng};
use rollcall_testkit::Direction;

/// A disturbance of a process or of its database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disturbance {
    /// The process gets SIGKILL.
    Kill,
    /// The database server terminates all sessions of the process.
    Terminate,
    /// The connections of the process are closed.
    Cut,
    /// The database server cancels a running statement.
    Cancel,
    /// The disk of the database is full until it has refused a statement.
    FullDisk,
    /// The clock of the database is five days ahead until it was read.
    WrongClock,
}

/// All disturbances, in the order of the rounds.
const DISTURBANCES: [Disturbance; 6] = [
    Disturbance::Kill,
    Disturbance::Cut,
    Disturbance::Terminate,
    Disturbance::FullDisk,
    Disturbance::Cancel,
    Disturbance::WrongClock,
];

/// A point of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    /// The disturbance at the point.
    pub(crate) disturbance: Disturbance,
    /// The direction of the counted bytes.
    pub(crate) direction: Direction,
    /// The number of bytes before the disturbance.
    pub(crate) byte: u64,
    /// Whether the point is so near the end that the run may end before.
    pub(crate) late: bool,
}

impl Point {
    /// Generates the point of a round. The disturbances alternate.
    pub(crate) fn draw(rng: &mut StdRng, round: u64, bytes: [u64; 2]) -> Self {
        let disturbance = DISTURBANCES[(round % DISTURBANCES.len() as u64) as usize];
        let (direction, bytes) =
            if rng.random() { (Direction::ToDatabase, bytes[0]) } else { (Direction::ToService, bytes[1]) };
        let byte = rng.random_range(0..bytes);
        Self { disturbance, direction, byte, late: byte > bytes / 10 * 9 }
    }
}
