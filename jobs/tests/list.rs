//! The list of jobs, with their schedules.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use rollcall_jobs::{JobOptions, Schedule, TimeZone, list};

#[test]
fn every_job_can_be_listed_with_its_next_run() {
    let now = "2026-11-22T12:00:00Z".parse().unwrap();
    for job in list(&JobOptions::default()) {
        assert!(!job.description.is_empty(), "{}", job.name);
        let Some(schedule) = job.schedule else { continue };
        assert_eq!(schedule.cron.split_whitespace().count(), 5, "{}", job.name);
        assert!((schedule.next)(now) > Some(now), "{}", job.name);
    }
}

#[test]
fn the_report_has_the_schedule_of_the_options() {
    let schedule = Schedule { cron: "30 2 * * *".into(), time_zone: TimeZone::Europe__Berlin };
    let jobs = list(&JobOptions { report_schedule: schedule });
    let report = jobs.into_iter().find_map(|job| job.schedule.filter(|_| job.name == "mixed-settings-report")).unwrap();
    assert_eq!((report.cron.as_str(), report.time_zone), ("30 2 * * *", "Europe/Berlin"));
    // In the night of 2026-03-29 the clocks in Berlin skip 02:30: the report runs at 03:00, which is 01:00 UTC.
    for (after, next) in [
        ("2026-03-28T00:00:00Z", "2026-03-28T01:30:00Z"),
        ("2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ("2026-03-29T12:00:00Z", "2026-03-30T00:30:00Z"),
    ] {
        assert_eq!((report.next)(after.parse().unwrap()), Some(next.parse().unwrap()), "{after}");
    }
}
