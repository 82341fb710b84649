//! What a person sees while a command works: a line for each step, with the time it took.

use std::{
    io::{self, Write as _},
    time::Instant,
};

const WIDTH: usize = 88;

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
