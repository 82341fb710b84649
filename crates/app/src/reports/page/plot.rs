//! The plot of the last 30 nights: one bar for each night, from the counts of the published reports. Everything is
//! computed in whole numbers, so that the same counts give the same picture.

use chrono::{Days, NaiveDate};
use rollcall_domain::Timestamp;
use rollcall_store::reports::MixedCount;

use super::text::{counted, grouped};

/// The number of nights.
const NIGHTS: u64 = 30;
/// The size of the drawing, without the labels, in units of the SVG.
const STEP: u64 = 20;
const HEIGHT: u64 = 120;
/// The least height of a bar of a night with a mixed assignment.
const LEAST: u64 = 3;

/// The earliest time whose reports the plot shows.
pub(in crate::reports) fn first_night(scheduled_for: Timestamp) -> Timestamp {
    first_day(scheduled_for).and_time(chrono::NaiveTime::MIN).and_utc()
}

fn first_day(scheduled_for: Timestamp) -> NaiveDate {
    let day = scheduled_for.date_naive();
    day.checked_sub_days(Days::new(NIGHTS - 1)).unwrap_or(day)
}

/// A night of the plot.
pub(super) struct Night {
    day: NaiveDate,
    /// The number of mixed assignments in the last report of the day; `None` without a report.
    pub(super) mixed: Option<u64>,
}

impl Night {
    /// The day, as the machine-readable text of a `time` element.
    pub(super) fn date(&self) -> String {
        self.day.format("%Y-%m-%d").to_string()
    }

    pub(super) fn label(&self) -> String {
        self.day.format("%-d %B").to_string()
    }

    pub(super) fn count(&self) -> String {
        self.mixed.map_or_else(|| "no report".to_owned(), grouped)
    }

    fn sentence(&self) -> String {
        let mixed = self.mixed.map(|mixed| counted(mixed, "mixed assignment", "mixed assignments"));
        format!("{}: {}", self.label(), mixed.unwrap_or_else(|| "no report".to_owned()))
    }
}

/// A bar of the plot.
pub(super) struct Bar {
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) height: u64,
    pub(super) title: String,
    pub(super) is_last: bool,
}

/// The plot.
pub(super) struct Plot {
    /// The 30 nights, the oldest first.
    pub(super) nights: Vec<Night>,
    /// The number at the top of the plot.
    top: u64,
}

impl Plot {
    /// Draws the counts of earlier reports, in order of time, and the count of this report.
    pub(super) fn new(scheduled_for: Timestamp, earlier: &[MixedCount], mixed: u64) -> Self {
        let first = first_day(scheduled_for);
        let mut nights: Vec<Night> =
            first.iter_days().take(NIGHTS as usize).map(|day| Night { day, mixed: None }).collect();
        let earlier = earlier
            .iter()
            .map(|count| (count.scheduled_for.date_naive(), u64::from(count.mixed_assignments.unsigned_abs())));
        // A later report of the same day replaces an earlier one.
        for (day, count) in earlier.chain([(scheduled_for.date_naive(), mixed)]) {
            if let Some(night) = nights.iter_mut().find(|night| night.day == day) {
                night.mixed = Some(count);
            }
        }
        let top = round_up(nights.iter().filter_map(|night| night.mixed).max().unwrap_or_default());
        Self { nights, top }
    }

    pub(super) fn top(&self) -> String {
        grouped(self.top)
    }

    pub(super) fn bars(&self) -> Vec<Bar> {
        let bar = |(place, night): (usize, &Night)| {
            let mixed = night.mixed?;
            let height = if mixed == 0 { 1 } else { (mixed * HEIGHT / self.top).max(LEAST) };
            let x = place as u64 * STEP;
            Some(Bar {
                x,
                y: HEIGHT - height,
                height,
                title: night.sentence(),
                is_last: place + 1 == self.nights.len(),
            })
        };
        self.nights.iter().enumerate().filter_map(bar).collect()
    }

    /// The nights without a report, as places of a mark below the bars.
    pub(super) fn gaps(&self) -> Vec<u64> {
        let nights = (0..).zip(&self.nights);
        nights.filter(|(_, night)| night.mixed.is_none()).map(|(place, _)| place * STEP + STEP / 2).collect()
    }

    /// What the plot shows, in words.
    pub(super) fn description(&self) -> String {
        let known: Vec<&Night> = self.nights.iter().filter(|night| night.mixed.is_some()).collect();
        let (Some(first), Some(last)) = (known.first(), known.last()) else { return String::new() };
        let reports = counted(known.len() as u64, "night has a report", "nights have a report");
        let highest = known.iter().filter_map(|night| night.mixed).max().unwrap_or_default();
        let ends = if known.len() == 1 {
            last.sentence()
        } else {
            format!("{}; {}; the highest number is {}", first.sentence(), last.sentence(), grouped(highest))
        };
        format!("{reports}. {ends}.")
    }

    pub(super) fn first_label(&self) -> String {
        self.nights.first().map(Night::label).unwrap_or_default()
    }

    pub(super) fn last_label(&self) -> String {
        self.nights.last().map(Night::label).unwrap_or_default()
    }
}

/// Returns the least of 1, 2, 5, 10, 20, 50, ... that is not below the number.
fn round_up(number: u64) -> u64 {
    let mut power = 1;
    loop {
        if let Some(top) = [1, 2, 5].map(|step| step * power).into_iter().find(|top| *top >= number) {
            return top;
        }
        power *= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn each_night_has_the_last_report_of_its_day() {
        let count = |at: &str, mixed_assignments| MixedCount { scheduled_for: time(at), mixed_assignments };
        let tonight = time("2026-11-30T02:00:00Z");
        let earlier = [
            count("2026-11-01T02:00:00Z", 40),
            count("2026-11-29T02:00:00Z", 7),
            count("2026-11-29T15:00:00Z", 30),
            count("2026-11-30T01:00:00Z", 99),
        ];
        assert_eq!(first_night(tonight), time("2026-11-01T00:00:00Z"));
        let plot = Plot::new(tonight, &earlier, 10);
        let counts: Vec<_> = plot.nights.iter().filter_map(|night| night.mixed).collect();
        assert_eq!((counts, plot.nights.len(), plot.gaps().len()), (vec![40, 30, 10], 30, 27));
        let bars: Vec<_> = plot.bars().iter().map(|bar| (bar.x, bar.y, bar.height, bar.is_last)).collect();
        assert_eq!(bars, [(0, 24, 96, false), (560, 48, 72, false), (580, 96, 24, true)]);
        let words = "3 nights have a report. 1 November: 40 mixed assignments; 30 November: 10 mixed assignments; \
            the highest number is 40.";
        assert_eq!(plot.description(), words);
    }

    #[test]
    fn the_top_is_round() {
        assert_eq!([0, 1, 3, 40, 51, 100, 101].map(round_up), [1, 1, 5, 50, 100, 100, 200]);
        let plot = Plot::new(time("2026-11-30T02:00:00Z"), &[], 0);
        let bars: Vec<_> = plot.bars().iter().map(|bar| (bar.x, bar.height)).collect();
        assert_eq!(
            (bars, plot.description()),
            (vec![(580, 1)], "1 night has a report. 30 November: 0 mixed assignments.".to_owned())
        );
    }
}
