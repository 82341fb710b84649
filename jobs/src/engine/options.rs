//! How patient the engine is.

use std::time::Duration;

/// How patient the engine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineOptions {
    /// How long a process that says nothing keeps a run.
    pub lease: Duration,
    /// How often a process says that it is alive, and hears whether its run is to stop.
    pub heartbeat: Duration,
    /// About how long the first failed attempt waits for the next; each further one twice as long.
    pub first_pause: Duration,
    /// The longest wait between attempts.
    pub longest_pause: Duration,
}

impl Default for EngineOptions {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(30),
            heartbeat: Duration::from_secs(2),
            first_pause: Duration::from_secs(5),
            longest_pause: Duration::from_secs(300),
        }
    }
}

impl EngineOptions {
    /// How long to wait after a failed attempt, the first being 1: doubled, capped, and drawn from
    /// the upper half, so that what failed together does not try again together.
    pub(super) fn pause_after(&self, attempt: i32) -> Duration {
        let doublings = attempt.saturating_sub(1).clamp(0, 16).unsigned_abs();
        let longest = self.first_pause.saturating_mul(1 << doublings).min(self.longest_pause);
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let options = EngineOptions::default();
        for (attempt, longest) in [(1, 5), (2, 10), (3, 20), (7, 300), (100, 300), (0, 5)] {
            let longest = Duration::from_secs(longest);
            let pause = options.pause_after(attempt);
            assert!(longest / 2 <= pause && pause <= longest, "{attempt}: {pause:?}");
        }
    }
}
