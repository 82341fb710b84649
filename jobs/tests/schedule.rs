//! Times of schedules, in particular at changes between standard and daylight-saving time.

#![allow(clippy::unwrap_used, reason = "a test panics if its setup fails")]

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::{
    America::{New_York, Sao_Paulo},
    Australia::Lord_Howe,
    Europe::Berlin,
    UTC,
};

use rollcall_jobs::engine::{Schedule, TimeZone, Timetable, parse_cron};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn timetable(cron: &'static str, time_zone: TimeZone) -> Timetable {
    Timetable::parse(&Schedule { cron: cron.into(), time_zone }).unwrap()
}

fn between(cron: &'static str, zone: TimeZone, after: &str, until: &str) -> Vec<String> {
    let timetable = timetable(cron, zone);
    let times = timetable.between(time(after), time(until));
    times.iter().map(|time| time.format("%m-%dT%H:%M:%S").to_string()).collect()
}

#[test]
fn a_nightly_time_comes_once_a_night() {
    let times = between("0 2 * * *", UTC, "2026-11-20T02:00:00Z", "2026-11-22T02:00:00Z");
    assert_eq!(times, ["11-21T02:00:00", "11-22T02:00:00"]);
}

#[test]
fn a_time_is_not_there_before_it_has_come() {
    let just_before = "2026-11-22T01:59:59.999999Z";
    assert!(between("0 2 * * *", UTC, "2026-11-21T02:00:00Z", just_before).is_empty());
}

#[test]
fn times_are_whole_seconds_whenever_they_are_asked_for() {
    let timetable = timetable("* * * * * *", UTC);
    let times = timetable.between(time("2026-11-22T01:59:58.5Z"), time("2026-11-22T02:00:00.3Z"));
    assert_eq!(times, [time("2026-11-22T01:59:59Z"), time("2026-11-22T02:00:00Z")]);
}

#[test]
fn a_time_that_does_not_exist_runs_when_the_clocks_go_on() {
    // 2026-03-29: 02:00 in Berlin is 03:00 at once, which is 01:00 UTC.
    let night = ("2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z");
    assert_eq!(between("30 2 * * *", Berlin, night.0, night.1), ["03-29T01:00:00"]);
    assert_eq!(between("0 2 * * *", Berlin, night.0, night.1), ["03-29T01:00:00"]);
    assert_eq!(between("30 1 * * *", Berlin, night.0, night.1), ["03-29T00:30:00"]);
    assert_eq!(between("0 3 * * *", Berlin, night.0, night.1), ["03-29T01:00:00"]);
    // What falls together is one time.
    assert_eq!(between("*/10 2 * * *", Berlin, night.0, night.1), ["03-29T01:00:00"]);
    let twice_a_day = between("30 2,14 * * *", Berlin, night.0, "2026-03-29T20:00:00Z");
    assert_eq!(twice_a_day, ["03-28T13:30:00", "03-29T01:00:00", "03-29T12:30:00"]);
}

#[test]
fn a_time_that_exists_twice_runs_the_first_time() {
    // 2026-10-25: 03:00 in Berlin is 02:00 again; 02:30 is 00:30 UTC and 01:30 UTC.
    let night = ("2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z");
    assert_eq!(between("30 2 * * *", Berlin, night.0, night.1), ["10-25T00:30:00"]);
    assert_eq!(between("0 3 * * *", Berlin, night.0, night.1), ["10-25T02:00:00"]);
}

/// Asked every minute, as an engine does, with what was found last as the floor.
fn asked_every_minute(cron: &'static str, zone: TimeZone, from: &str, until: &str) -> Vec<String> {
    let timetable = timetable(cron, zone);
    let (mut now, mut floor, mut all) = (time(from), time(from), Vec::new());
    while now <= time(until) {
        for found in timetable.between(floor, now) {
            floor = found;
            all.push(found.format("%m-%dT%H:%M:%S").to_string());
        }
        now += TimeDelta::minutes(1);
    }
    all
}

#[test]
fn an_engine_that_asks_all_night_finds_each_time_once() {
    let spring = ("2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z");
    let autumn = ("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z");
    let asked = |night: (&str, &str)| asked_every_minute("30 2 * * *", Berlin, night.0, night.1);
    assert_eq!(asked(spring), ["03-29T01:00:00"]);
    assert_eq!(asked(autumn), ["10-25T00:30:00"]);
}

#[test]
fn an_engine_that_starts_between_the_two_equal_times_finds_none() {
    // The first 02:30 was at 00:30 UTC, before it started.
    let times = between("30 2 * * *", Berlin, "2026-10-25T00:45:00Z", "2026-10-25T12:00:00Z");
    assert!(times.is_empty(), "{times:?}");
}

#[test]
fn every_hour_means_every_hour_that_passes() {
    let autumn = between("0 * * * *", Berlin, "2026-10-24T23:30:00Z", "2026-10-25T02:30:00Z");
    assert_eq!(autumn, ["10-25T00:00:00", "10-25T01:00:00", "10-25T02:00:00"]);
    let spring = between("30 * * * *", Berlin, "2026-03-29T00:00:00Z", "2026-03-29T02:00:00Z");
    assert_eq!(spring, ["03-29T00:30:00", "03-29T01:30:00"]);
}

#[test]
fn other_places_change_their_clocks_too() {
    // New York skips 02:00 to 03:00 on 2026-03-08, Lord Howe half an hour on 2026-10-04.
    let new_york = between("30 2 * * *", New_York, "2026-03-08T00:00:00Z", "2026-03-09T00:00:00Z");
    assert_eq!(new_york, ["03-08T07:00:00"]);
    let lord_howe = between("15 2 * * *", Lord_Howe, "2026-10-03T04:00:00Z", "2026-10-04T04:00:00Z");
    assert_eq!(lord_howe, ["10-03T15:30:00"]);
    // In 2018 Sao Paulo skipped midnight: 2018-11-04 began at 01:00, which was 03:00 UTC.
    let sao_paulo = between("0 0 * * *", Sao_Paulo, "2018-11-03T12:00:00Z", "2018-11-05T12:00:00Z");
    assert_eq!(sao_paulo, ["11-04T03:00:00", "11-05T02:00:00"]);
}

#[test]
fn a_year_has_a_time_for_each_day() {
    let times = between("30 2 * * *", Berlin, "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
    assert_eq!(times.len(), 365);
}

#[test]
fn only_the_newest_of_very_many_are_answered() {
    let times = between("* * * * *", UTC, "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
    assert_eq!(times.len(), 1_000);
    assert_eq!(times.last().unwrap(), "02-01T00:00:00");
}

#[test]
fn the_next_time_is_the_first_of_those_to_come_in_every_night() {
    let nights =
        [("2026-03-28T20:00:00Z", Berlin), ("2026-10-24T20:00:00Z", Berlin), ("2026-10-03T10:00:00Z", Lord_Howe)];
    for cron in ["30 2 * * *", "0 3 * * *", "*/10 2 * * *", "30 * * * *", "15 2 * * *", "0 2 * * 1"] {
        for (begin, zone) in nights {
            let timetable = timetable(cron, zone);
            for minutes in (0..12 * 60).step_by(7) {
                let now = time(begin) + TimeDelta::minutes(minutes);
                let within_days = timetable.between(now, now + TimeDelta::days(8));
                assert_eq!(timetable.next_after(now), within_days.first().copied(), "{cron} {zone} {now}");
            }
        }
    }
    let never = timetable("0 2 30 2 *", UTC);
    assert_eq!(never.next_after(time("2026-11-22T02:00:00Z")), None);
}

#[test]
fn a_moment_between_two_times_is_none_of_them() {
    let timetable = timetable("0 2 * * *", UTC);
    assert!(timetable.contains(time("2026-11-22T02:00:00Z")));
    assert!(!timetable.contains(time("2026-11-22T02:00:00.000001Z")));
    assert!(!timetable.contains(time("2026-11-22T01:59:59Z")));
}

#[test]
fn a_pattern_that_cannot_be_read_is_refused() {
    for cron in ["", "nightly", "@daily", "0 25 * * *", "0 2 * *"] {
        assert!(Timetable::parse(&Schedule { cron: cron.into(), time_zone: UTC }).is_err(), "{cron}");
    }
}

#[test]
fn a_cron_expression_of_an_operator_has_five_fields_and_a_time() {
    for cron in ["0 2 * * *", "30 1 * * 1-5", "*/15 0-6 1,15 * *", "0 2 29 2 *"] {
        assert_eq!(parse_cron(cron), Ok(cron.to_owned()));
    }
    for cron in ["", "nightly", "@daily", "0 0 2 * * *", "0 2 * *", "0 25 * * *", "0 2 30 2 *"] {
        let advice = parse_cron(cron).unwrap_err();
        assert!(advice.contains("give five fields for minute, hour, day of month"), "{cron}: {advice}");
    }
}
