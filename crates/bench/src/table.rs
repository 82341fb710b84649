//! The tables that the benchmarks print.

use std::fmt::Write as _;

use crate::{
    memory::Peak,
    ratio::{Measured, Pairs, Spread},
};

/// The columns of the table of [`cells`].
pub const COLUMNS: [&str; 5] = ["what", "service", "raw SQL", "ratio: median (min to max)", "server's peak memory"];

/// Renders rows as a Markdown table. All columns but the first are aligned to the right.
#[must_use]
pub fn markdown(columns: &[&str], rows: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|---|{}\n", columns.join(" | "), "--:|".repeat(columns.len() - 1));
    for row in rows {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
    text
}

/// The cells of a step: its name, the medians of both sides in seconds, their ratio, and the server's peak memory.
#[must_use]
pub fn cells(what: &str, measured: &Measured) -> Vec<String> {
    let Measured { times, peak } = measured;
    let seconds = |spread: Spread| format!("{:.2} s", spread.median);
    vec![what.to_owned(), seconds(times.measured()), seconds(times.floor()), ratio(times), mebibytes(*peak)]
}

/// The median ratio with the least and the greatest one.
#[must_use]
pub fn ratio(times: &Pairs) -> String {
    let Spread { min, median, max } = times.ratio();
    format!("{median:.2} ({min:.2} to {max:.2})")
}

/// A peak in MiB.
#[must_use]
pub fn mebibytes(peak: Option<Peak>) -> String {
    peak.map_or_else(|| "not measured".to_owned(), |peak| format!("{} MiB", peak.bytes >> 20))
}
