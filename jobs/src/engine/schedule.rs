//! Schedules: cron expressions in a time zone.
//!
//! croner enumerates local times only. This file decides what a local time means at a change between standard and
//! daylight-saving time. An expression with fixed hours runs once for each local time that it names: a local time that
//! occurs twice means the first occurrence, and a local time that the clocks skip means the moment of the change. An
//! expression for every hour (`*` in the hour) runs at each occurrence.

use std::{borrow::Cow, collections::VecDeque};

use chrono::{
    DateTime, LocalResult, NaiveDateTime, Offset as _, SubsecRound as _, TimeDelta, TimeZone as _, Timelike as _, Utc,
};
pub use chrono_tz::Tz as TimeZone;
use croner::{
    Cron,
    parser::{CronParser, Seconds},
};

/// Further away from a change of the clocks than this, local time runs as regularly as UTC.
const CLOCK_CHANGE_MARGIN: TimeDelta = TimeDelta::hours(4);
/// At most this many times are returned: the newest ones.
const MAX_TIMES: usize = 1_000;

/// A cron expression in a time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// A cron expression of five fields, or of six with seconds first.
    pub cron: Cow<'static, str>,
    /// The time zone of the expression.
    pub time_zone: TimeZone,
}

/// Checks a cron expression of five fields.
///
/// # Errors
/// A text that says what to give instead.
pub fn parse_cron(text: &str) -> Result<String, String> {
    let advice = "give five fields for minute, hour, day of month, month and day of week, such as \"0 2 * * *\" for \
                  02:00 every night, or \"30 1 * * 1-5\" for 01:30 on weekdays";
    if text.split_whitespace().count() != 5 {
        return Err(advice.to_owned());
    }
    let schedule = Schedule { cron: text.to_owned().into(), time_zone: TimeZone::UTC };
    let timetable = Timetable::parse(&schedule).map_err(|problem| format!("{advice} ({problem})"))?;
    match timetable.next_after(DateTime::UNIX_EPOCH) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("no date has this day and month; {advice}")),
    }
}

/// A parsed schedule.
#[derive(Clone, Debug)]
pub struct Timetable {
    cron: Cron,
    zone: TimeZone,
    fixed_hours: bool,
}

impl Timetable {
    /// Parses a schedule.
    ///
    /// # Errors
    /// A text that says what is wrong with the cron expression.
    pub fn parse(schedule: &Schedule) -> Result<Self, String> {
        let fields: Vec<&str> = schedule.cron.split_whitespace().collect();
        let hour = match fields.as_slice() {
            [_, hour, _, _, _] | [_, _, hour, _, _, _] => *hour,
            _ => return Err("it must have five or six fields".to_owned()),
        };
        let parser = CronParser::builder().seconds(Seconds::Optional).build();
        let cron = parser.parse(&schedule.cron).map_err(|error| error.to_string())?;
        Ok(Self { cron, zone: schedule.time_zone, fixed_hours: !hour.contains('*') })
    }

    /// Returns the times after `after` up to and including `until`, oldest first.
    #[must_use]
    pub fn between(&self, after: DateTime<Utc>, until: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        // croner would keep a fraction of a second; the times of a schedule are whole seconds.
        let mut local = (self.local_time(after) - self.margin(after)).and_utc().trunc_subsecs(0);
        let last = (self.local_time(until) + self.margin(until)).and_utc();
        let mut found = VecDeque::new();
        // croner returns an error if the expression has no further time.
        while let Ok(next) = self.cron.find_next_occurrence(&local, false) {
            if next > last {
                break;
            }
            let moments = self.moments(next.naive_utc());
            found.extend(moments.into_iter().flatten().filter(|at| after < *at && *at <= until));
            if found.len() > 2 * MAX_TIMES {
                found.drain(..MAX_TIMES);
            }
            local = next;
        }
        let mut found: Vec<_> = found.into();
        found.sort_unstable();
        found.dedup();
        found.split_off(found.len().saturating_sub(MAX_TIMES))
    }

    /// Returns the first time after `after`; `None` if there is none.
    #[must_use]
    pub fn next_after(&self, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut local = (self.local_time(after) - self.margin(after)).and_utc().trunc_subsecs(0);
        loop {
            local = self.cron.find_next_occurrence(&local, false).ok()?;
            let later = self.moments(local.naive_utc()).into_iter().flatten().find(|at| after < *at);
            if let Some(later) = later {
                // Near a change of the clocks, a later local time can be an earlier moment.
                return self.between(after, later).first().copied();
            }
        }
    }

    /// Whether `time` is a time of the schedule.
    #[must_use]
    pub fn contains(&self, time: DateTime<Utc>) -> bool {
        !self.between(time - TimeDelta::microseconds(1), time).is_empty()
    }

    fn local_time(&self, time: DateTime<Utc>) -> NaiveDateTime {
        time.with_timezone(&self.zone).naive_local()
    }

    /// Returns how far to look beyond a moment, because near a change of the clocks local times are not in the order of
    /// moments.
    fn margin(&self, time: DateTime<Utc>) -> TimeDelta {
        let offset = |time: DateTime<Utc>| time.with_timezone(&self.zone).offset().fix();
        let regular = offset(time - CLOCK_CHANGE_MARGIN) == offset(time + CLOCK_CHANGE_MARGIN);
        if regular { TimeDelta::zero() } else { CLOCK_CHANGE_MARGIN }
    }

    /// Returns the moments of the schedule at a local time.
    fn moments(&self, local: NaiveDateTime) -> [Option<DateTime<Utc>>; 2] {
        let moments = match self.zone.from_local_datetime(&local) {
            LocalResult::Single(moment) => [Some(moment), None],
            LocalResult::Ambiguous(first, _) if self.fixed_hours => [Some(first), None],
            LocalResult::Ambiguous(first, second) => [Some(first), Some(second)],
            LocalResult::None if self.fixed_hours => [self.end_of_gap(local), None],
            LocalResult::None => [None, None],
        };
        moments.map(|moment| moment.map(|moment| moment.to_utc()))
    }

    /// Returns the end of the gap that a skipped local time is in, to the minute.
    fn end_of_gap(&self, skipped: NaiveDateTime) -> Option<DateTime<TimeZone>> {
        let skipped = skipped.with_second(0)?;
        (1..=CLOCK_CHANGE_MARGIN.num_minutes())
            .map(|minutes| skipped + TimeDelta::minutes(minutes))
            .find_map(|local| self.zone.from_local_datetime(&local).earliest())
    }
}
