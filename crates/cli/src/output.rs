//! Text for a terminal: lines, counts in words, and tables with aligned columns.

use std::io::{self, Write as _};

/// Prints a line to stdout. A closed stdout is ignored, so that the command still finishes its work.
pub fn print_line(line: impl AsRef<str>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{}", line.as_ref()).and_then(|()| out.flush());
}

/// Returns the number of rejected rows in words.
pub(crate) fn rejected_rows(rejected: u64) -> String {
    match rejected {
        0 => "no row was rejected".to_owned(),
        1 => "1 row was rejected".to_owned(),
        more => format!("{more} rows were rejected"),
    }
}

/// Returns one line for each row of a table. A column with `true` in `right` is aligned to the right, as numbers are.
pub(crate) fn aligned_lines<const N: usize>(rows: &[[String; N]], right: [bool; N]) -> Vec<String> {
    let widths = column_widths(rows);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).zip(right);
        let cells = cells
            .map(|((cell, width), right)| if right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

/// Returns the width of each column, in characters.
pub(crate) fn column_widths<const N: usize>(rows: &[[String; N]]) -> [usize; N] {
    std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
}
