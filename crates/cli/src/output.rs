//! Prints to stdout.

use std::io::{self, Write as _};

/// Prints a line to stdout. A closed stdout is ignored, so that the command still finishes its work.
pub fn print_line(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref()).and_then(|()| out.flush());
}
