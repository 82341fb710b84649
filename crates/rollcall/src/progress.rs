//! What a person sees while a command works: a line for each step, with the time it took.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const WIDTH: usize = 88;
/// Where there is no terminal, a line comes at most this often.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Prints a line. Whoever has stopped reading is no reason to stop working.
pub(crate) fn say(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref()).and_then(|()| out.flush());
}

/// Measures steps, one after the other.
#[derive(Debug)]
pub(crate) struct Progress {
    since: Instant,
}

impl Progress {
    /// Starts the first step.
    pub(crate) fn start() -> Self {
        Self { since: Instant::now() }
    }

    /// Ends a step, and starts the next one.
    pub(crate) fn done(&mut self, step: impl AsRef<str>) {
        let seconds = self.since.elapsed().as_secs_f64();
        say(format!("{:<WIDTH$} {seconds:>7.2} s", step.as_ref()));
        self.since = Instant::now();
    }
}

/// How far a job's run is: a bar on a terminal, now and then a line elsewhere. Nothing for a run that counts no members.
#[derive(Debug, Default)]
pub(crate) struct RunProgress {
    bar: Option<ProgressBar>,
    /// When it was first looked at, and how many members were done by then.
    began: Option<(Instant, i64)>,
    last: Option<(Instant, String)>,
}

impl RunProgress {
    /// Shows what the run did so far, as counts by name.
    pub(crate) fn show(&mut self, count: impl Fn(&str) -> i64) {
        let total = count("members_total");
        if total == 0 {
            return;
        }
        let (done, members) = (count("organizations_migrated") + count("organizations_failed"), count("members"));
        let (began, earlier) = *self.began.get_or_insert_with(|| (Instant::now(), members));
        let line = format!(
            "{members}/{total} members, {done}/{} organizations{}",
            count("organizations_total"),
            pace(members - earlier, (total - members).max(0), began.elapsed())
        );
        if io::stdout().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| bar(total));
            bar.set_position(members.unsigned_abs());
            bar.set_message(line);
            return;
        }
        let due = self.last.as_ref().is_none_or(|(time, last)| *last != line && time.elapsed() >= LINE_EVERY);
        if due {
            say(format!("  {line}"));
            self.last = Some((Instant::now(), line));
        }
    }

    /// Leaves the last state on the screen.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
            say("");
        }
    }
}

/// A bar over members, as wide as a line of the terminal has room for.
fn bar(total: i64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total.unsigned_abs()), ProgressDrawTarget::stdout());
    match ProgressStyle::with_template("[{wide_bar}] {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Members a second and the time that the rest takes at this rate; nothing before there is a rate.
fn pace(newly: i64, rest: i64, took: Duration) -> String {
    let rate = newly as f64 / took.as_secs_f64();
    if rate > 0.0 && rate.is_finite() {
        format!(", {rate:.0}/s, {:.0} s left", (rest as f64 / rate).ceil())
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_members_who_were_seen_to_be_done() {
        assert_eq!(pace(0, 100, Duration::from_secs(1)), "");
        assert_eq!(pace(0, 0, Duration::ZERO), "");
        assert_eq!(pace(10, 5, Duration::ZERO), "");
        assert_eq!(pace(1000, 501, Duration::from_secs(2)), ", 500/s, 2 s left");
        assert_eq!(pace(7, 0, Duration::from_secs(2)), ", 4/s, 0 s left");
    }
}
