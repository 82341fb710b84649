//! The times of the engine: leases, heartbeats and backoff.

use std::time::Duration;

/// The times of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// How long a claim holds without a heartbeat.
    pub lease: Duration,
    /// How often the lease holder renews its lease, and reads whether its run is to stop.
    pub heartbeat: Duration,
    /// The longest backoff after the first failed attempt. It doubles with each further attempt, up to the longest
    /// backoff of the job.
    pub first_backoff: Duration,
    /// How long an engine sleeps at most that knows of no run to work on, and is told of new ones. Without such notices
    /// it ticks once a second.
    pub idle: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(2),
            first_backoff: Duration::from_secs(5),
            idle: Duration::from_secs(15),
        }
    }
}

impl EngineOptions {
    /// Returns the backoff after a failed attempt, which is 1 for the first one: doubled for each attempt up to `max`, and
    /// drawn from the upper half at random, so that runs that failed together do not retry together.
    pub(crate) fn backoff_after(&self, attempt: i32, max: Duration) -> Duration {
        let doublings = attempt.saturating_sub(1).clamp(0, 16).unsigned_abs();
        let longest = self.first_backoff.saturating_mul(1 << doublings).min(max);
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_the_longest() {
        let options = EngineOptions::default();
        for (attempt, longest) in [(1, 5), (2, 10), (3, 20), (7, 300), (100, 300), (0, 5)] {
            let longest = Duration::from_secs(longest);
            let backoff = options.backoff_after(attempt, Duration::from_secs(300));
            assert!(longest / 2 <= backoff && backoff <= longest, "{attempt}: {backoff:?}");
        }
    }
}
