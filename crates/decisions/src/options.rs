//! What an operator decides about the answers from memory.

use std::time::Duration;

/// How much memory the answers may use, and how old they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecisionOptions {
    /// The memory of all snapshots, in bytes. An organization that alone needs more is answered from the store.
    pub memory: u64,
    /// How often the store is asked which organizations have changed.
    pub poll_interval: Duration,
    /// Whether to listen for the signals that other processes send after their writes. Without them, the next poll finds the
    /// writes. They need a session of Postgres, which a pooler may not give.
    pub listen: bool,
    /// How old an answer may be while the store can be reached. Older answers are read from the store.
    pub max_staleness: Duration,
    /// How old an answer may be while the store cannot be reached. After that there is no answer.
    pub max_staleness_on_outage: Duration,
}

impl Default for DecisionOptions {
    fn default() -> Self {
        Self {
            memory: 256 << 20,
            poll_interval: Duration::from_millis(200),
            listen: true,
            max_staleness: Duration::from_secs(5),
            max_staleness_on_outage: Duration::from_secs(5 * 60),
        }
    }
}

impl DecisionOptions {
    /// How long the engine waits between two polls: never so long that answers become too old in between.
    pub(crate) fn poll_pause(&self) -> Duration {
        self.poll_interval.min(self.max_staleness / 2)
    }

    /// How long a poll may take. Then the store counts as one that cannot be reached, before the answers are too old.
    pub(crate) fn poll_limit(&self) -> Duration {
        (self.max_staleness / 2).clamp(Duration::from_millis(100), Duration::from_secs(2))
    }
}
