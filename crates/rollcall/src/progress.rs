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
        let organizations = format!("{done} of {} organizations", count("organizations_total"));
        if io::stdout().is_terminal() {
            let bar = self.bar.get_or_insert_with(|| bar(total, members));
            bar.set_message(organizations);
            bar.set_position(members.unsigned_abs());
            return;
        }
        let line = format!("  {organizations}, {members} of {total} members");
        let due = self.last.as_ref().is_none_or(|(time, last)| *last != line && time.elapsed() >= LINE_EVERY);
        if due {
            say(&line);
            self.last = Some((Instant::now(), line));
        }
    }

    /// Leaves the last state on the screen.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// A bar over members, which begins where an earlier process has left off.
fn bar(total: i64, done: i64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total.unsigned_abs()), ProgressDrawTarget::stdout());
    let style = ProgressStyle::with_template("[{bar:30}] {pos} of {len} members, {msg}, {per_sec}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_position(done.unsigned_abs())
}
