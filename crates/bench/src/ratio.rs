//! Times that were measured in turn, and what one is of the other, pair by pair.

use std::time::Duration;

/// What a thing and what it is compared with took, in pairs that were measured in turn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    pairs: Vec<(Duration, Duration)>,
}

/// The least, the middle and the greatest of some numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The least.
    pub min: f64,
    /// The middle one.
    pub median: f64,
    /// The greatest.
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

    /// Seconds of what is measured.
    #[must_use]
    pub fn measured(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(measured, _)| measured.as_secs_f64()))
    }

    /// Seconds of what it is compared with.
    #[must_use]
    pub fn floor(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(_, floor)| floor.as_secs_f64()))
    }

    /// How many times the one is the other in each pair.
    #[must_use]
    pub fn ratio(&self) -> Spread {
        Spread::of(self.pairs.iter().map(|(measured, floor)| measured.as_secs_f64() / floor.as_secs_f64()))
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
