//! Faults of the database during a change: a full disk, and a clock that is five days ahead for the time of the change.

use std::time::Duration;

use rollcall_testkit::{Random, TestClock, TestDatabase, TestDisk, TestServer, contract::Rpc, reason};
use serde_json::Value;

use crate::{player::SequencePlayer, responses::describe, sequence::SequenceStep};

const FIVE_DAYS: Duration = Duration::from_secs(5 * 86_400);

/// The chance of each fault at a change, in percent.
const CHANCE: usize = 6;

/// The disk and the clock of a server's database.
pub(crate) struct DatabaseFaults {
    disk: TestDisk,
    clock: TestClock,
}

impl DatabaseFaults {
    /// Starts a server whose database can have these faults.
    pub(crate) async fn start_server() -> (TestServer, Self) {
        let database = TestDatabase::new().await;
        let (disk, clock) = (TestDisk::install(&database).await, TestClock::install(&database).await);
        (TestServer::start_with_clock(database).await, Self { disk, clock })
    }

    /// Returns whether the clock is wrong during the change of this step.
    pub(crate) fn has_wrong_clock(step: &SequenceStep) -> bool {
        Random::new(step.seed.rotate_left(17)).chance(CHANCE)
    }

    /// Advances the clock by five days.
    pub(crate) async fn advance_clock(&self) {
        self.clock.advance(FIVE_DAYS).await;
    }

    /// Sets the clock right.
    pub(crate) async fn repair_clock(&self) {
        self.clock.set_back(FIVE_DAYS).await;
    }
}

impl SequencePlayer<'_> {
    /// Makes some of the changes while the disk is full. The change must fail as a whole. A change that would write nothing
    /// may also succeed.
    pub(crate) async fn make_on_full_disk(
        &mut self,
        index: usize,
        (step, rpc, request): (&SequenceStep, &Rpc, &Value),
    ) -> Result<(), String> {
        if !Random::new(step.seed.rotate_left(31)).chance(CHANCE) {
            return Ok(());
        }
        self.faults.disk.fill().await;
        let made = self.call(rpc, request).await;
        self.faults.disk.free().await;
        self.count("full disk");
        match made {
            Err(status) if reason(&status) != "STORE_UNAVAILABLE" => {
                Err(format!("on a full disk: {}", describe(&status)))
            }
            _ => self.compare(index).await.map_err(|why| format!("after a change on a full disk: {why}")),
        }
    }
}
