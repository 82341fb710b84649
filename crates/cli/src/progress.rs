//! Progress for a person: a line for each finished step, and a bar for a job's run.

use std::{
    io::{self, IsTerminal as _},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::print_line;

/// The column in which the time of a step begins.
const TIME_COLUMN: usize = 88;
/// The shortest time between two progress lines, where stdout is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Measures steps that follow each other.
#[derive(Debug)]
pub(crate) struct StepTimer {
    step_start: Instant,
}

impl StepTimer {
    /// Starts the first step.
    pub(crate) fn start() -> Self {
        Self { step_start: Instant::now() }
    }

    /// Prints a finished step with the time that it took, and starts the next step.
    pub(crate) fn step_done(&mut self, step: impl AsRef<str>) {
        let seconds = self.step_start.elapsed().as_secs_f64();
        print_line(format!("{:<TIME_COLUMN$} {seconds:>7.2} s", step.as_ref()));
        self.step_start = Instant::now();
    }
}

/// The progress of a job's run: a bar on a terminal, otherwise a line every few seconds. Shows nothing for a job that
/// counts neither members nor organizations.
#[derive(Debug, Default)]
pub struct JobProgress {
    bar: Option<ProgressBar>,
    /// When `show` was called first, and how many members or organizations were done then.
    first: Option<(Instant, i64)>,
    last_line: Option<(Instant, String)>,
}

impl JobProgress {
    /// Shows the outcome of the run so far. `count` returns a count by its name.
    pub fn show(&mut self, count: impl Fn(&str) -> i64) {
        let (organizations, members_total) = (count("organizations_total"), count("members_total"));
        let organizations_done: i64 = ["migrated", "failed", "changed", "unchanged", "refused"]
            .iter()
            .map(|what| count(&format!("organizations_{what}")))
            .sum();
        let (done, total) =
            if members_total == 0 { (organizations_done, organizations) } else { (count("members"), members_total) };
        if total == 0 {
            return;
        }
        let members = if members_total == 0 { String::new() } else { format!("{done}/{total} members, ") };
        let (start, earlier) = *self.first.get_or_insert_with(|| (Instant::now(), done));
        let line = format!(
            "{members}{organizations_done}/{organizations} organizations{}",
            pace(done - earlier, (total - done).max(0), start.elapsed())
        );
        if io::stdout().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| bar(total));
            bar.set_position(done.unsigned_abs());
            bar.set_message(line);
            return;
        }
        let is_due = |(time, last): &(Instant, String)| *last != line && time.elapsed() >= LINE_INTERVAL;
        if self.last_line.as_ref().is_none_or(is_due) {
            print_line(format!("  {line}"));
            self.last_line = Some((Instant::now(), line));
        }
    }

    /// Stops drawing and leaves the last state on the screen.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
            print_line("");
        }
    }
}

/// Returns a bar that counts members or organizations and is as wide as the terminal.
fn bar(total: i64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total.unsigned_abs()), ProgressDrawTarget::stdout());
    match ProgressStyle::with_template("[{wide_bar}] {msg}") {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Returns what was done per second and the time that the rest will take, or nothing while the rate is unknown.
fn pace(done: i64, left: i64, elapsed: Duration) -> String {
    let rate = done as f64 / elapsed.as_secs_f64();
    if rate > 0.0 && rate.is_finite() {
        format!(", {rate:.0}/s, {:.0} s left", (left as f64 / rate).ceil())
    } else {
        String::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pace_counts_only_members_done_since_the_first_look() {
        assert_eq!(pace(0, 100, Duration::from_secs(1)), "");
        assert_eq!(pace(0, 0, Duration::ZERO), "");
        assert_eq!(pace(10, 5, Duration::ZERO), "");
        assert_eq!(pace(1000, 501, Duration::from_secs(2)), ", 500/s, 2 s left");
        assert_eq!(pace(7, 0, Duration::from_secs(2)), ", 4/s, 0 s left");
    }
}
