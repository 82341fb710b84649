//! A watch on the database's clock. A reading is used only if the clock has advanced about as far as this process's
//! monotonic clock, or if the next readings confirm it (ADR 24).

use std::time::Duration;

use rollcall_domain::Timestamp;
use tokio::time::Instant;

/// How far a reading may differ from the expected one. A leap second, a slow tick and a corrected clock stay below it.
pub(super) const LARGEST_STEP: Duration = Duration::from_secs(3_600);
/// How many further readings confirm a reading that differs more. The engine ticks once a second.
const CONFIRMATIONS: u32 = 5;

/// A reading of the database's clock.
#[derive(Clone, Copy, Debug)]
struct Reading {
    time: Timestamp,
    at: Instant,
}

impl Reading {
    /// Whether a later reading is about as far from this one as the monotonic clock says.
    fn agrees_with(self, later: Self) -> bool {
        let expected = self.time + later.at.duration_since(self.at);
        (later.time - expected).abs().to_std().is_ok_and(|step| step <= LARGEST_STEP)
    }
}

/// The readings so far.
#[derive(Debug, Default)]
pub(super) struct ClockWatch {
    trusted: Option<Reading>,
    /// The newest reading that was not used, and how many readings have confirmed it.
    doubted: Option<(Reading, u32)>,
}

impl ClockWatch {
    /// Returns whether a reading can be used. The first reading of a process is compared with `recorded`, the newest
    /// time of a schedule in the database, if there is one.
    pub(super) fn accepts(&mut self, time: Timestamp, at: Instant, recorded: Option<Timestamp>) -> bool {
        let reading = Reading { time, at };
        let known = self.trusted.or(recorded.map(|time| Reading { time, at }));
        if known.is_none_or(|known| known.agrees_with(reading)) {
            if self.doubted.take().is_some() {
                tracing::info!(%time, "the database's clock is right again");
            }
            self.trusted = Some(reading);
            return true;
        }
        let confirmed = self.doubted.filter(|(doubted, _)| doubted.agrees_with(reading)).map(|(_, count)| count + 1);
        let Some(confirmed) = confirmed else {
            self.doubt(reading, recorded);
            return false;
        };
        if confirmed < CONFIRMATIONS {
            self.doubted = Some((reading, confirmed));
            return false;
        }
        tracing::warn!(%time, "the next readings confirm the time of the database's clock, and it is used");
        (self.trusted, self.doubted) = (Some(reading), None);
        true
    }

    fn doubt(&mut self, reading: Reading, recorded: Option<Timestamp>) {
        self.doubted = Some((reading, 0));
        let time = reading.time;
        match self.trusted {
            Some(trusted) => {
                let expected = trusted.time + reading.at.duration_since(trusted.at);
                tracing::error!(
                    %time, %expected,
                    "the database's clock has jumped; no run is created or claimed until the next readings confirm the \
                     time. Check the clock of the database's host"
                );
            }
            None => tracing::info!(
                %time, newest_scheduled = recorded.map(tracing::field::display),
                "the database's clock is far from the newest time of a schedule, as after a pause; it is read again \
                 before runs are created or claimed"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);
    const SECOND: Duration = Duration::from_secs(1);

    /// Reads a clock once a second that is ahead by each of `ahead`, and returns which readings are used.
    fn used(recorded: Option<Timestamp>, ahead: &[Duration]) -> Vec<bool> {
        let (mut watch, start, begin) = (ClockWatch::default(), Timestamp::UNIX_EPOCH, Instant::now());
        let reading = |(second, ahead): (u32, &Duration)| {
            watch.accepts(start + SECOND * second + *ahead, begin + SECOND * second, recorded)
        };
        (0..).zip(ahead).map(reading).collect()
    }

    #[test]
    fn one_wrong_reading_is_not_used_and_the_next_right_one_is() {
        assert_eq!(used(None, &[Duration::ZERO, DAY * 5, Duration::ZERO]), [true, false, true]);
        assert_eq!(used(None, &[DAY, Duration::ZERO, DAY]), [true, false, true], "backwards");
        assert_eq!(used(None, &[Duration::ZERO, LARGEST_STEP]), [true, true]);
    }

    #[test]
    fn a_time_that_stays_is_used_after_its_confirmations() {
        let (right, wrong) = (Duration::ZERO, DAY * 5);
        let expected = [true, false, false, false, false, false, true, true];
        assert_eq!(used(None, &[right, wrong, wrong, wrong, wrong, wrong, wrong, wrong]), expected);
        let changing = [right, DAY, DAY * 2, DAY, DAY * 2, DAY, DAY * 2, DAY];
        assert_eq!(used(None, &changing), [true, false, false, false, false, false, false, false]);
    }

    #[test]
    fn the_first_reading_far_from_the_schedule_must_be_confirmed() {
        let recorded = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(used(recorded, &[SECOND, SECOND]), [true, true]);
        assert_eq!(used(recorded, &[DAY; 7]), [false, false, false, false, false, true, true]);
        assert!(used(recorded, &[DAY * 5, DAY, DAY, DAY, DAY, DAY, DAY])[6], "a wrong one first");
    }
}
