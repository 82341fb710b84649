//! Paired times of the service and of its floor, and their ratios.

use std::time::Duration;

use crate::memory::Peak;

/// The times of a step by the service and by its floor (raw SQL), in pairs that were measured one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    pairs: Vec<(Duration, Duration)>,
}

/// The least number, the median and the greatest number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least number.
    pub min: f64,
    /// The median.
    pub median: f64,
    /// The greatest number.
    pub max: f64,
}

impl Spread {
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.collect();
        sorted.sort_by(f64::total_cmp);
        let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        Self { min: at(0), median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), max: at(last) }
    }
}

impl Pairs {
    /// Adds a pair.
    pub fn push(&mut self, measured: Duration, floor: Duration) {
        self.pairs.push((measured, floor));
    }

    /// The seconds of the service.
    #[must_use]
    pub fn measured(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(measured, _)| measured.as_secs_f64()))
    }

    /// The seconds of the floor.
    #[must_use]
    pub fn floor(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(_, floor)| floor.as_secs_f64()))
    }

    /// The time of the service divided by the time of the floor, in each pair.
    #[must_use]
    pub fn ratio(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(measured, floor)| measured.as_secs_f64() / floor.as_secs_f64()))
    }
}

/// The results of a step in all pairs.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The times.
    pub times: Pairs,
    /// The server's largest peak.
    pub peak: Option<Peak>,
}

impl Measured {
    /// Adds a pair, with the server's peak.
    pub fn push(&mut self, service: Duration, floor: Duration, peak: Option<Peak>) {
        self.times.push(service, floor);
        self.peak = self.peak.into_iter().chain(peak).max_by_key(|peak| peak.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let mut pairs = Pairs::default();
        for (measured, floor) in [(2, 1), (9, 3), (4, 4)] {
            pairs.push(Duration::from_secs(measured), Duration::from_secs(floor));
        }
        assert_eq!(pairs.ratio(), Spread { min: 1.0, median: 2.0, max: 3.0 });
        assert_eq!((pairs.measured().median, pairs.floor().median), (4.0, 3.0));
    }

    #[test]
    fn the_middle_of_two_is_between_them() {
        assert_eq!(Spread::of([4.0, 1.0].into_iter()), Spread { min: 1.0, median: 2.5, max: 4.0 });
    }
}
