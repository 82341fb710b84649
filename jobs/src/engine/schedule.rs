//! When a job is to run: cron patterns on the clocks of a place.
//!
//! croner only enumerates what the clocks show; what that means in a night in which they are
//! changed is decided here. A pattern with fixed hours runs once for each time that it names: at
//! the first of two equal ones, and when the clocks go on if they skip it. A pattern for every
//! hour (`*` in the hour) runs as often as the clocks show such a time.

use std::collections::VecDeque;

use chrono::{
    DateTime, LocalResult, NaiveDateTime, Offset as _, SubsecRound as _, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
use chrono_tz::Tz;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

/// Beyond this from a change of the clocks, they are as regular as UTC.
const NEAR_A_CHANGE: TimeDelta = TimeDelta::hours(4);
/// At most this many times are answered, the newest ones.
const MOST: usize = 1_000;

/// A cron pattern and the place whose clocks it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Five fields, or six with seconds first.
    pub cron: &'static str,
    /// Whose clocks.
    pub zone: Tz,
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.cron, self.zone)
    }
}

/// A schedule that was understood.
#[derive(Clone, Debug)]
pub(super) struct Timetable {
    cron: Cron,
    zone: Tz,
    fixed_hours: bool,
}

impl Timetable {
    pub(super) fn parse(schedule: &Schedule) -> Result<Self, String> {
        let fields: Vec<&str> = schedule.cron.split_whitespace().collect();
        let hour = match fields.as_slice() {
            [_, hour, _, _, _] | [_, _, hour, _, _, _] => *hour,
            _ => return Err("it must have five or six fields".to_owned()),
        };
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(schedule.cron).map_err(|error| error.to_string())?;
        Ok(Self { cron, zone: schedule.zone, fixed_hours: !hour.contains('*') })
    }

    /// The times after `after` and not after `until`, oldest first.
    pub(super) fn between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // croner carries fractions of a second along; its times are whole seconds after this one.
        let mut wall = (self.shown_at(after) - self.margin(after)).and_utc().trunc_subsecs(0);
        let last = (self.shown_at(until) + self.margin(until)).and_utc();
        let mut found = VecDeque::new();
        // An error is a pattern without any further time.
        while let Ok(next) = self.cron.find_next_occurrence(&wall, false) {
            if next > last {
                break;
            }
            let moments = self.moments(next.naive_utc());
            found.extend(moments.into_iter().flatten().filter(|at| after < *at && *at <= until));
            if found.len() > 2 * MOST {
                found.drain(..MOST);
            }
            wall = next;
        }
        let mut found: Vec<_> = found.into();
        found.sort_unstable();
        found.dedup();
        found.split_off(found.len().saturating_sub(MOST))
    }

    /// The first time after `after`; `None` when there is none any more.
    pub(super) fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut wall = (self.shown_at(after) - self.margin(after)).and_utc().trunc_subsecs(0);
        loop {
            wall = self.cron.find_next_occurrence(&wall, false).ok()?;
            let later = self.moments(wall.naive_utc()).into_iter().flatten().find(|at| after < *at);
            if let Some(later) = later {
                // Around a change of the clocks what they show later may come first.
                return self.between(after, later).first().copied();
            }
        }
    }

    /// Whether it is one of the schedule's times.
    pub(super) fn contains(&self, time: DateTime<Utc>) -> bool {
        !self.between(time - TimeDelta::microseconds(1), time).is_empty()
    }

    fn shown_at(&self, time: DateTime<Utc>) -> NaiveDateTime {
        time.with_timezone(&self.zone).naive_local()
    }

    /// Around a change of the clocks the order of what they show is not the order of time.
    fn margin(&self, time: DateTime<Utc>) -> TimeDelta {
        let offset = |time: DateTime<Utc>| time.with_timezone(&self.zone).offset().fix();
        let regular = offset(time - NEAR_A_CHANGE) == offset(time + NEAR_A_CHANGE);
        if regular { TimeDelta::zero() } else { NEAR_A_CHANGE }
    }

    /// When it is that the clocks show this.
    fn moments(&self, shown: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let moments = match self.zone.from_local_datetime(&shown) {
            LocalResult::Single(moment) => [Some(moment), None],
            LocalResult::Ambiguous(first, _) if self.fixed_hours => [Some(first), None],
            LocalResult::Ambiguous(first, second) => [Some(first), Some(second)],
            LocalResult::None if self.fixed_hours => [self.first_shown_after(shown), None],
            LocalResult::None => [None, None],
        };
        moments.map(|moment| moment.map(|moment| moment.to_utc()))
    }

    /// The end of the gap that the clocks skip, to the minute.
    fn first_shown_after(&self, skipped: NaiveDateTime) -> Option<DateTime<Tz>> {
        let skipped = skipped.with_second(0)?;
        (1..=NEAR_A_CHANGE.num_minutes())
            .map(|minutes| skipped + TimeDelta::minutes(minutes))
            .find_map(|shown| self.zone.from_local_datetime(&shown).earliest())
    }
}

#[cfg(test)]
mod tests;
